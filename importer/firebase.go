package importer

import (
	"errors"
	"fmt"
	"iter"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// FirebaseParameters are those of the hashes of one Firebase project. They are
// secret and do not print themselves. The zero value is good for users without a
// password.
type FirebaseParameters struct {
	signerKey, saltSeparator string // base64
	rounds, memCost          int
}

// Format hides the signer key under every verb.
func (FirebaseParameters) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte("[hidden]")) }

// ParseFirebaseParameters reads what the console of Firebase shows under
// "Password hash parameters": algorithm SCRYPT, base64_signer_key,
// base64_salt_separator, rounds and mem_cost, one a line; or the hashConfig of
// the API, which has signerKey, saltSeparator and memoryCost. No error holds a
// value.
func ParseFirebaseParameters(text string) (p FirebaseParameters, err error) {
	algorithm := ""
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(strings.TrimSpace(value), `",`)
		switch name = strings.Trim(strings.TrimSpace(name), `"`); {
		case !found:
		case name == "algorithm":
			algorithm = value
		case name == "base64_signer_key", name == "signerKey":
			p.signerKey = value
		case name == "base64_salt_separator", name == "saltSeparator":
			p.saltSeparator = value
		case name == "rounds":
			p.rounds, err = strconv.Atoi(value)
		case name == "mem_cost", name == "memoryCost":
			p.memCost, err = strconv.Atoi(value)
		}
		if err != nil {
			return FirebaseParameters{}, fmt.Errorf("%s is not a number", name)
		}
	}
	if algorithm != "SCRYPT" || octets(p.signerKey) < 1 || octets(p.saltSeparator) < 0 || p.rounds < 1 || p.memCost < 1 {
		return FirebaseParameters{}, fmt.Errorf("it must hold the password hash parameters as the console of Firebase shows them: " +
			"algorithm: SCRYPT, base64_signer_key, base64_salt_separator, rounds and mem_cost, one a line")
	}
	return p, nil
}

// firebaseUser is an element of "users" in what firebase auth:export writes.
type firebaseUser struct {
	LocalID       string           `json:"localId"`
	Email         string           `json:"email"`
	EmailVerified bool             `json:"emailVerified"`
	PasswordHash  string           `json:"passwordHash"`
	Salt          string           `json:"salt"`
	CreatedAt     string           `json:"createdAt"` // milliseconds
	PhoneNumber   string           `json:"phoneNumber"`
	Disabled      bool             `json:"disabled"`
	CustomClaims  string           `json:"customAttributes"`
	Providers     []jsontext.Value `json:"providerUserInfo"`
	MFA           []jsontext.Value `json:"mfaInfo"`
}

func (p FirebaseParameters) parseJSON(object []byte) (User, error) {
	var from firebaseUser
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	return p.user(from)
}

func (p FirebaseParameters) user(from firebaseUser) (User, error) {
	if from.Email == "" && from.PhoneNumber == "" && from.PasswordHash == "" && len(from.Providers) == 0 {
		return User{NoUser: anonymousUser}, nil
	}
	var timeErr error
	created, err := strconv.ParseInt(from.CreatedAt, 10, 64)
	if err != nil && from.CreatedAt != "" {
		timeErr = wrong("createdAt", "It must be milliseconds since 1970.")
	}
	user := User{
		ID: idOf(Firebase, from.LocalID), EmailVerified: from.EmailVerified, Disabled: from.Disabled, CreatedAt: milliseconds(created),
	}
	user.name("", from.Email)
	user.leave(phoneNumber, from.PhoneNumber != "")
	user.leave("custom claims", from.CustomClaims != "" && from.CustomClaims != "{}")
	user.leave(socialLogin, len(from.Providers) > 0)
	user.leave(secondFactor, len(from.MFA) > 0)
	hash, hashErr := p.hash(from.PasswordHash, from.Salt)
	user.PasswordHash = hash
	return user, model.Together(timeErr, hashErr)
}

// hash puts a hash and the parameters of its project together.
func (p FirebaseParameters) hash(digest, salt string) (model.PasswordHash, error) {
	if digest == "" {
		return "", nil
	}
	if p.signerKey == "" {
		return "", wrong("passwordHash", "The parameters of the project are needed to check it: --firebase-config.")
	}
	return model.PasswordHash(fmt.Sprintf("$firescrypt$ln=%d,r=%d,p=1$%s$%s$%s$%s", p.memCost, p.rounds,
		plainBase64(salt), plainBase64(digest), unpadded(p.saltSeparator), unpadded(p.signerKey))), nil
}

// plainBase64 writes base64 as the export has it: what asks the API itself gets
// that of URLs (RFC 4648 section 5).
func plainBase64(text string) string {
	return unpadded(strings.NewReplacer("-", "+", "_", "/").Replace(text))
}

// Columns of what firebase auth:export writes as CSV, which has no header, and
// how many there are with the empty one behind the last comma. Each site has four
// columns: the first four sites, and since firebase-tools 15.19 six more behind
// all others. Before them came the claims, before the claims disabled.
const (
	firebaseID, firebaseEmail, firebaseVerified, firebaseHash, firebaseSalt = 0, 1, 2, 3, 4

	firebaseSites, firebaseSitesEnd                                  = 7, 23
	firebaseCreated, firebasePhone, firebaseDisabled, firebaseClaims = 23, 25, 26, 27
	firebaseMoreSites, firebaseMoreSitesEnd                          = 28, 52

	firebaseToPhone, firebaseToDisabled, firebaseToClaims, firebaseAll = 27, 28, 29, 53
)

// rows reads CSV. Releases before 15.19 do not write all quotation marks of names
// and claims as CSV has them, and one that is taken for another swallows the user
// on the next line. JSON they write well.
func (p FirebaseParameters) rows(in *meter) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		for user, err := range rows(in, p.parseRow) {
			if errors.Is(err, errQuotation) {
				err = fmt.Errorf("%w; export the users as JSON", err)
			}
			if !yield(user, err) {
				return
			}
		}
	}
}

func (p FirebaseParameters) parseRow(fields []string) (User, error) {
	columns := len(fields)
	known := columns == firebaseToPhone || columns == firebaseToDisabled || columns == firebaseToClaims || columns == firebaseAll
	// Commas in the address of a picture are written as they are and move all that
	// follows: who is disabled would not be. Everybody was created at some time.
	if !known || fields[columns-1] != "" || fields[firebaseCreated] == "" {
		return User{}, wrong("user", "It does not have the columns that Firebase writes; export the users as JSON.")
	}
	fields = append(fields, make([]string, firebaseAll-columns)...)
	from := firebaseUser{
		LocalID: fields[firebaseID], Email: fields[firebaseEmail], PasswordHash: fields[firebaseHash], Salt: fields[firebaseSalt],
		CreatedAt: fields[firebaseCreated], PhoneNumber: fields[firebasePhone], CustomClaims: fields[firebaseClaims],
	}
	if strings.Join(fields[firebaseSites:firebaseSitesEnd], "")+strings.Join(fields[firebaseMoreSites:firebaseMoreSitesEnd], "") != "" {
		from.Providers = []jsontext.Value{jsontext.Value("{}")}
	}
	var verifiedErr, disabledErr error
	from.EmailVerified, verifiedErr = truthOf("emailVerified", fields[firebaseVerified])
	from.Disabled, disabledErr = truthOf("disabled", fields[firebaseDisabled])
	user, err := p.user(from)
	return user, model.Together(verifiedErr, disabledErr, err)
}
