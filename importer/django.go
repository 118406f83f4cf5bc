package importer

import (
	"cmp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// django reads what dumpdata writes. Groups come before the users who are in
// them, and users name them by number.
type django struct{ groups map[string]string }

type djangoObject struct {
	Model  string                    `json:"model"`
	Key    jsontext.Value            `json:"pk"`
	Fields map[string]jsontext.Value `json:"fields"`
}

// djangoUser is auth.user, or a model of one's own over AbstractBaseUser.
type djangoUser struct {
	Password   string           `json:"password"`
	Username   string           `json:"username"`
	Email      string           `json:"email"`
	Active     *bool            `json:"is_active"`
	Staff      bool             `json:"is_staff"`
	Superuser  bool             `json:"is_superuser"`
	DateJoined string           `json:"date_joined"`
	Groups     []jsontext.Value `json:"groups"`
}

func (d *django) parse(object []byte) (User, error) {
	var from djangoObject
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	if from.Model == "auth.group" {
		d.remember(from)
		return User{}, errNoUser
	}
	// Every model of a user has these two, whatever its name.
	if from.Fields["password"] == nil || from.Fields["last_login"] == nil {
		return User{}, errNoUser
	}
	var envelope struct {
		Fields jsontext.Value `json:"fields"`
	}
	var fields djangoUser
	if err := model.Together(decode(object, &envelope), decode(envelope.Fields, &fields)); err != nil {
		return User{}, err
	}
	var times moments
	name := fields.Username
	if from.Key == nil { // with --natural-primary the name stands for the number
		name = cmp.Or(name, fields.Email)
	}
	user := User{
		// Numbers begin at 1 in every installation: the time tells them apart.
		ID:        idOf(Django, text(from.Key), fields.DateJoined, name),
		Disabled:  fields.Active != nil && !*fields.Active,
		CreatedAt: times.text("date_joined", fields.DateJoined),
	}
	user.name(fields.Username, fields.Email)
	for _, group := range fields.Groups {
		user.grant(d.nameOf(group))
	}
	user.leave("rights of staff and superusers", fields.Staff || fields.Superuser)
	// Django begins with a ! what no password is to match.
	if !strings.HasPrefix(fields.Password, "!") {
		user.PasswordHash = model.PasswordHash(fields.Password)
	}
	return user, times.err()
}

func (d *django) remember(group djangoObject) {
	if d.groups == nil {
		d.groups = map[string]string{}
	}
	d.groups[text(group.Key)] = text(group.Fields["name"])
}

// nameOf returns the name of a group that is given by its number, or by its name
// in a list, as with --natural-foreign; "" where it is not known.
func (d *django) nameOf(group jsontext.Value) string {
	var natural []string
	if json.Unmarshal(group, &natural) == nil && len(natural) == 1 {
		return natural[0]
	}
	return d.groups[text(group)]
}

// text returns a text as it is and every other value as JSON has it.
func text(value jsontext.Value) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}
