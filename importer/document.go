package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/go-json-experiment/json/jsontext"

	"gatehouse/model"
)

// parser reads one JSON object. Errors: a refusal, or errNoUser.
type parser func(object []byte) (User, error)

// document walks through JSON and holds one user of it at a time.
type document struct {
	meter *meter
	in    *jsontext.Decoder
	parse parser
	yield func(User, error) bool
}

var (
	// errStop ends a walk when whoever asked has heard enough.
	errStop = errors.New("importer: stop")
	// errShape says that a document is JSON of another shape.
	errShape = errors.New("importer: another shape")
)

// walk runs a walk through the document and puts trouble into words.
func walk(in *meter, parse parser, through func(*document) error) iter.Seq2[User, error] {
	return func(yield func(User, error) bool) {
		d := &document{meter: in, in: jsontext.NewDecoder(in), parse: parse, yield: yield}
		if err := through(d); err != nil && !errors.Is(err, errStop) {
			line := in.lineAt(d.offsetOf(err))
			yield(User{Line: line}, fmt.Errorf("line %d: %w", line, inWords(err)))
		}
	}
}

// offsetOf returns where a walk ended.
func (d *document) offsetOf(err error) int64 {
	var syntactic *jsontext.SyntacticError
	if errors.As(err, &syntactic) {
		return max(syntactic.ByteOffset, d.in.InputOffset())
	}
	return d.in.InputOffset()
}

// inWords says what is wrong without what stands there.
func inWords(err error) error {
	var syntactic *jsontext.SyntacticError
	switch {
	case errors.Is(err, errOverLimit):
		return fmt.Errorf("one user is longer than %d bytes", MaxUserBytes)
	case errors.Is(err, errShape):
		return errors.New("this is not what that system exports")
	case errors.Is(err, jsontext.ErrDuplicateName):
		return errors.New("a member stands there twice")
	case errors.As(err, &syntactic), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the document is no JSON from here on, or ends too early")
	}
	return err
}

// listed reads a list of users, or one user a line.
func listed(in *meter, first byte, parse parser) iter.Seq2[User, error] {
	if first != '{' {
		return walk(in, parse, func(d *document) error { return d.last(d.users()) })
	}
	return func(yield func(User, error) bool) {
		for line, err := range linesFrom(in.from, in.line, MaxUserBytes) {
			if err == nil && len(bytes.TrimSpace(line.Text)) == 0 {
				continue
			}
			user := User{}
			if err == nil {
				user, err = parse(line.Text)
			}
			if !give(yield, line.Number, user, err) {
				return
			}
		}
	}
}

// give yields what was read on a line, unless it has nothing to do with users.
func give(yield func(User, error) bool, line int, user User, err error) bool {
	switch {
	case errors.Is(err, errNoUser):
		return true
	case err != nil:
		user = User{}
	case user.NoUser != "":
		user = User{NoUser: user.NoUser}
	}
	user.Line = line
	return yield(user, err)
}

// members reads the users in one member of an object.
func members(in *meter, member string, parse parser) iter.Seq2[User, error] {
	return walk(in, parse, func(d *document) error { return d.last(d.object(member)) })
}

// realms reads the users of a realm of Keycloak, or of a list of realms.
func realms(in *meter) iter.Seq2[User, error] {
	return walk(in, parseKeycloak, func(d *document) error {
		d.allow()
		if d.in.PeekKind() == '[' {
			return d.last(d.list(func() error { return d.object("users") }))
		}
		return d.last(d.object("users"))
	})
}

// last wants nothing to follow.
func (d *document) last(err error) error {
	if err != nil {
		return err
	}
	d.allow()
	switch _, err := d.in.ReadToken(); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return errShape
}

func (d *document) allow() { d.meter.allow(d.in.InputOffset()) }

// open reads the token that begins an object or a list.
func (d *document) open(kind jsontext.Kind) error {
	d.allow()
	token, err := d.in.ReadToken()
	if err == nil && token.Kind() != kind {
		err = errShape
	}
	return err
}

// list calls each for every element of a list.
func (d *document) list(each func() error) error {
	if err := d.open('['); err != nil {
		return err
	}
	for {
		d.allow()
		if d.in.PeekKind() == ']' {
			_, err := d.in.ReadToken()
			return err
		}
		if err := each(); err != nil {
			return err
		}
	}
}

// object finds the users in a member of an object, and passes by the others,
// however large.
func (d *document) object(member string) error {
	if err := d.open('{'); err != nil {
		return err
	}
	for {
		d.allow()
		name, err := d.in.ReadToken()
		switch {
		case err != nil || name.Kind() == '}':
			return err
		case name.String() == member:
			err = d.users()
		default:
			err = d.skip()
		}
		if err != nil {
			return err
		}
	}
}

// skip passes by one value, token by token.
func (d *document) skip() error {
	depth := d.in.StackDepth()
	for {
		d.allow()
		if _, err := d.in.ReadToken(); err != nil {
			return err
		}
		if d.in.StackDepth() <= depth {
			return nil
		}
	}
}

// users gives every element of a list of users.
func (d *document) users() error {
	return d.list(func() error {
		d.allow()
		object, err := d.in.ReadValue()
		if err != nil {
			return err
		}
		line := d.meter.lineAt(d.in.InputOffset() - int64(len(object)))
		user, err := d.parse(object)
		var refusal *model.Error
		if err != nil && !errors.Is(err, errNoUser) && !errors.As(err, &refusal) {
			return err
		}
		if !give(d.yield, line, user, err) {
			return errStop
		}
		return nil
	})
}
