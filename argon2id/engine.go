package argon2id

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

const (
	// maxPasswordBytes bounds what is hashed, in bytes. 256 code points fit.
	maxPasswordBytes = 1024
	// defaultMaxWait is shorter than the patience of a person and of most proxies.
	defaultMaxWait = 5 * time.Second
	// waitingPerCore fills about the default wait with hashes of the default price.
	waitingPerCore = 64
)

var (
	// ErrOverloaded says that no place came free in time or that too many wait
	// already. Nothing was computed. The error is an *Overloaded, which says when
	// to try again.
	ErrOverloaded = errors.New("argon2id: overloaded")
	// ErrRejected says that a stored string or a password is not one to work on.
	// Nothing was computed.
	ErrRejected = errors.New("argon2id: rejected")
	// ErrPasswordSize is the ErrRejected of passwords: above 1,024 bytes, or
	// empty where a new hash was asked for.
	ErrPasswordSize = fmt.Errorf("%w: password is not 1 to %d bytes", ErrRejected, maxPasswordBytes)
)

// Overloaded is ErrOverloaded with the time to stay away, 30 s at most: those who
// keep to it come back when there is room for them.
type Overloaded struct{ RetryAfter time.Duration }

func (o *Overloaded) Error() string { return ErrOverloaded.Error() }

// Is makes it ErrOverloaded.
func (o *Overloaded) Is(target error) bool { return target == ErrOverloaded }

// Config says how dear a hash is and how many may run at once. The zero value
// is DefaultParams and as many hashes at once as there are cores.
type Config struct {
	// Params is the price of new hashes; zero means DefaultParams.
	Params Params
	// MemoryBudgetKiB bounds the memory of all running hashes together; zero
	// means one new hash a core, and at least 262,144, so that every stored
	// hash that is accepted can be checked.
	MemoryBudgetKiB uint64
	// MaxWait bounds how long a call waits for its place; zero means 5 s.
	MaxWait time.Duration
	// MaxWaiting bounds how many calls wait; zero means 64 a core.
	MaxWaiting int
	// Client tells on whose behalf a call comes. Clients take turns, so that one
	// who sends many calls does not hold up the others. Nil means that all calls
	// are of one client. It must be quick and safe for concurrent use.
	Client func(context.Context) netip.Prefix
}

// Engine hashes and checks passwords within the memory and the cores it was
// given. It is safe for concurrent use. Engines do not know of each other.
type Engine struct {
	params      Params
	budgetKiB   uint64
	places      *admission
	workers     *workers
	evaluations atomic.Uint64
	filledKiB   atomic.Uint64
}

// Verdict is the outcome of Verify.
type Verdict struct {
	// Match says that the password is the one that was hashed.
	Match bool
	// Outdated says that a new hash would be made differently; false without Match.
	Outdated bool
}

// NewEngine returns an Engine, or an error that names the field that is wrong
// and how to mend it.
func NewEngine(config Config) (*Engine, error) {
	if config.Params == (Params{}) {
		config.Params = DefaultParams()
	}
	if err := config.Params.Check(); err != nil {
		return nil, err
	}
	if config.MaxWait < 0 || config.MaxWaiting < 0 {
		return nil, errors.New("argon2id: MaxWait and MaxWaiting must not be negative; zero means the default")
	}
	cores := runtime.GOMAXPROCS(0)
	if config.MemoryBudgetKiB == 0 {
		config.MemoryBudgetKiB = max(uint64(cores)*uint64(config.Params.MemoryKiB), maxMemoryKiB)
	}
	if config.MemoryBudgetKiB < uint64(config.Params.MemoryKiB) {
		return nil, fmt.Errorf("argon2id: MemoryBudgetKiB %d holds no hash; use at least %d, the memory of one",
			config.MemoryBudgetKiB, config.Params.MemoryKiB)
	}
	if config.MaxWait == 0 {
		config.MaxWait = defaultMaxWait
	}
	if config.MaxWaiting == 0 {
		config.MaxWaiting = waitingPerCore * cores
	}
	return &Engine{
		params: config.Params, budgetKiB: config.MemoryBudgetKiB,
		places: newAdmission(admissionLimits{
			whole: place{memoryKiB: config.MemoryBudgetKiB, cores: cores}, usual: placeFor(config.Params),
			maxWaiting: config.MaxWaiting, maxWait: config.MaxWait, client: config.Client,
		}),
		workers: newWorkers(kernels()[0], config.MemoryBudgetKiB),
	}, nil
}

// Kernel returns the name of the instructions that hashes are computed with:
// AVX-512, AVX2 or portable.
func (e *Engine) Kernel() string { return e.workers.kernel.String() }

// Params returns the price of new hashes.
func (e *Engine) Params() Params { return e.params }

// MemoryBudgetKiB returns the bound on the memory of all running hashes together.
func (e *Engine) MemoryBudgetKiB() uint64 { return e.budgetKiB }

// Evaluations returns how many passwords were put through Argon2id since the
// Engine was made: one for each Hash, Verify and VerifyAbsent that did its work.
func (e *Engine) Evaluations() uint64 { return e.evaluations.Load() }

// Load is what an Engine has to do.
type Load struct {
	Waiting    int    // calls that wait for their place
	RunningKiB uint64 // memory that the calls at work may have
	Refused    uint64 // calls that met ErrOverloaded since the Engine was made, Crowded among them
}

// Load returns what there is to do now.
func (e *Engine) Load() Load { return e.places.load() }

// Hash returns the PHC string of the password with a fresh salt of 16 bytes and
// a tag of 32.
//
// Refusals: ErrPasswordSize for an empty password or one above 1,024 bytes,
// ErrOverloaded, and the error of ctx while waiting. Once begun, a hash is
// finished.
func (e *Engine) Hash(ctx context.Context, password []byte) (phc string, err error) {
	if len(password) == 0 || len(password) > maxPasswordBytes {
		return "", ErrPasswordSize
	}
	hasher, leave, err := e.enter(ctx, placeFor(e.params))
	if err != nil {
		return "", err
	}
	defer leave()
	salt, tag := freshSalt(), make([]byte, tagBytes)
	e.evaluate(hasher, tag, input{password: password, salt: salt}, e.params)
	return Hash{Params: e.params, Salt: salt, Tag: tag}.PHC(), nil
}

// Verify compares the password with a stored hash, in a time that does not
// depend on how much of it is right. A hash that was cheaper than new ones costs
// as much as a new one. The empty password never matches.
//
// Refusals: ErrRejected for a stored string that ParseHash refuses or that is
// larger than the memory budget, ErrPasswordSize above 1,024 bytes,
// ErrOverloaded, and the error of ctx while waiting.
func (e *Engine) Verify(ctx context.Context, password []byte, phc string) (Verdict, error) {
	if len(password) > maxPasswordBytes {
		return Verdict{}, ErrPasswordSize
	}
	stored, err := ParseHash(phc)
	if err != nil {
		return Verdict{}, err
	}
	// The place is that of a new hash at least, so that an old one waits no
	// less than a missing user does.
	hasher, leave, err := e.enter(ctx, placeFor(e.params).atLeast(placeFor(stored.Params)))
	if err != nil {
		return Verdict{}, err
	}
	defer leave()
	in, tag := input{password: password, salt: stored.Salt}, make([]byte, len(stored.Tag))
	e.evaluate(hasher, tag, in, stored.Params)
	if rest, ok := stored.Params.missing(e.params); ok {
		e.fill(hasher, make([]byte, tagBytes), in, rest)
	}
	match := sameTag(tag, stored.Tag) && len(password) > 0
	return Verdict{Match: match, Outdated: match && e.outdated(stored)}, nil
}

// VerifyAbsent does for a user who does not exist what Verify does for one who
// does: one hash of the current price, whose result is thrown away.
//
// Refusals: those of Verify, without ErrRejected for a stored string.
func (e *Engine) VerifyAbsent(ctx context.Context, password []byte) error {
	if len(password) > maxPasswordBytes {
		return ErrPasswordSize
	}
	hasher, leave, err := e.enter(ctx, placeFor(e.params))
	if err != nil {
		return err
	}
	defer leave()
	salt, tag := make([]byte, saltBytes), make([]byte, tagBytes)
	e.evaluate(hasher, tag, input{password: password, salt: salt}, e.params)
	sameTag(tag, make([]byte, tagBytes))
	return nil
}

// Crowded returns the refusal that Hash, Verify and VerifyAbsent would begin with
// if they were asked now: ErrOverloaded, or nil where there is a place or one to
// wait for. It takes nothing and waits for nothing, so that who is to be turned
// away can be before other work is done. It refuses a little sooner than they do:
// who is let pass and asks a moment later is not turned away then.
func (e *Engine) Crowded(ctx context.Context) error {
	return e.places.crowded(ctx, placeFor(e.params), nearlyAll)
}

// CrowdedLater is Crowded for a call that has to wait for something else first, and
// refuses when half of the queue or of the wait is taken: such a call would most
// likely be turned away after all, and late.
func (e *Engine) CrowdedLater(ctx context.Context) error {
	return e.places.crowded(ctx, placeFor(e.params), halfOfIt)
}

// Demand is what work takes that is not a hash of ours. More lanes than cores
// share the cores that there are.
type Demand struct {
	MemoryKiB uint32
	Lanes     uint8
}

// Run calls work in a place of its own, so that the hashes of other systems stay
// within the same memory, cores and queue. work must not call the Engine: its
// place may be the last one.
//
// Refusals: those of Verify; ErrRejected for more than the memory budget. work
// was called when the error is nil, and never otherwise.
func (e *Engine) Run(ctx context.Context, takes Demand, work func()) error {
	memoryKiB := uint64(takes.MemoryKiB)
	leave, err := e.places.enter(ctx, place{memoryKiB: memoryKiB, cores: max(1, int(takes.Lanes))})
	if err != nil {
		return err
	}
	defer leave()
	if err := e.workers.takeRoom(memoryKiB); err != nil {
		return fmt.Errorf("argon2id: memory for work: %w", err)
	}
	defer e.workers.giveBackRoom(memoryKiB)
	work()
	return nil
}

// enter takes a place and a worker with its memory. leave gives both back and
// must be called once.
func (e *Engine) enter(ctx context.Context, wants place) (hasher *worker, leave func(), err error) {
	leavePlace, err := e.places.enter(ctx, wants)
	if err != nil {
		return nil, nil, err
	}
	hasher, err = e.workers.take(wants.memoryKiB)
	if err != nil {
		leavePlace()
		return nil, nil, err
	}
	return hasher, func() {
		e.workers.giveBack(hasher)
		leavePlace()
	}, nil
}

func (e *Engine) evaluate(hasher *worker, tag []byte, in input, price Params) {
	e.evaluations.Add(1)
	e.fill(hasher, tag, in, price)
}

// fill uses as many cores as the price has lanes, which is what its place has.
func (e *Engine) fill(hasher *worker, tag []byte, in input, price Params) {
	e.filledKiB.Add(price.work())
	hasher.derive(tag, in, price, e.places.limits.whole.cores)
}

func (e *Engine) outdated(stored Hash) bool {
	return stored.Params != e.params || len(stored.Salt) != saltBytes || len(stored.Tag) != tagBytes
}

// sameTag is the only comparison of tags.
func sameTag(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// freshSalt never fails: crypto/rand ends the program rather than return
// anything that is not random.
func freshSalt() []byte {
	salt := make([]byte, saltBytes)
	_, _ = rand.Read(salt)
	return salt
}
