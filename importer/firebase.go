package importer

import (
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
// base64_salt_separator, rounds and mem_cost, one a line. No error holds a value.
func ParseFirebaseParameters(text string) (p FirebaseParameters, err error) {
	algorithm := ""
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(line, ":")
		value = strings.Trim(strings.TrimSpace(value), `",`)
		switch name = strings.Trim(strings.TrimSpace(name), `"`); {
		case !found:
		case name == "algorithm":
			algorithm = value
		case name == "base64_signer_key":
			p.signerKey = value
		case name == "base64_salt_separator":
			p.saltSeparator = value
		case name == "rounds":
			p.rounds, err = strconv.Atoi(value)
		case name == "mem_cost":
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
	user.leave("phone number", from.PhoneNumber != "")
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
		unpadded(salt), unpadded(digest), unpadded(p.saltSeparator), unpadded(p.signerKey))), nil
}

// Columns of what firebase auth:export writes as CSV, which has no header. Each
// of four sites has four columns.
const (
	firebaseID, firebaseEmail, firebaseVerified, firebaseHash, firebaseSalt = 0, 1, 2, 3, 4

	firebaseSites, firebaseSitesEnd                                                  = 7, 23
	firebaseCreated, firebasePhone, firebaseDisabled, firebaseClaims, firebaseFields = 23, 25, 26, 27, 28
)

func (p FirebaseParameters) rows(in *meter) iter.Seq2[User, error] {
	return rows(in, true, func(fields []string) (User, error) {
		if len(fields) < firebaseFields-1 {
			return User{}, wrong("user", "It has too few columns.")
		}
		from := firebaseUser{
			LocalID: fields[firebaseID], Email: fields[firebaseEmail], PasswordHash: fields[firebaseHash], Salt: fields[firebaseSalt],
			CreatedAt: fields[firebaseCreated], PhoneNumber: fields[firebasePhone],
		}
		if len(fields) >= firebaseFields {
			from.CustomClaims = fields[firebaseClaims]
		}
		if strings.Join(fields[firebaseSites:firebaseSitesEnd], "") != "" {
			from.Providers = []jsontext.Value{jsontext.Value("{}")}
		}
		var verifiedErr, disabledErr error
		from.EmailVerified, verifiedErr = truthOf("emailVerified", fields[firebaseVerified])
		from.Disabled, disabledErr = truthOf("disabled", fields[firebaseDisabled])
		user, err := p.user(from)
		return user, model.Together(verifiedErr, disabledErr, err)
	})
}
