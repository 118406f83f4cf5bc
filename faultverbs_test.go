package gatehouse_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// scene is what a verb acts on: a user who is logged in twice.
type scene struct {
	*gatehouse.Auth
	store *tappedStore
	clock *clock
	user  model.User
	grant gatehouse.Grant
	page  gatehouse.SessionGrant
	code  model.Code
	spent model.RefreshToken // long ago

	mail   *gatehouse.Auth // the same rules, and they send mails
	mailed *mailbag
	proof  gatehouse.Confirmed
}

// writing is a verb that changes something, or one case of it.
type writing struct {
	name string // of the method, and after a slash which case of it
	// prepare makes the case; nil where the scene is enough.
	prepare func(t *testing.T, s *scene)
	do      func(ctx context.Context, s *scene) (answer any, err error)
	// keeps names the tables that may change although the verb fails: a guess is
	// counted before it is looked at, so that hanging up does not undo it.
	keeps []string
	// steps is for a verb of several transactions, each of them whole: what
	// failed is done by the next call.
	steps bool
	// readsAfter is for a verb that reads once more after its only commit: what
	// fails then is told although all is done, and nothing is half done.
	readsAfter bool
	// tidies is for a verb that clears something away after its commit, and does not
	// mind where that fails.
	tidies bool
	// refused is what the verb answers where nothing fails.
	refused *model.Error
}

// only is for verbs that answer nothing but an error.
func only(err error) (any, error) { return nil, err }

func credentials(s *scene) gatehouse.Credentials {
	return gatehouse.Credentials{Identifier: s.user.Username.String(), Password: goodPassword}
}

// writings are all verbs that change something. A new one is a line here.
var writings = slices.Concat(accountWritings, sessionWritings, keyWritings, mailWritings, otherWritings)

// guesses is where attempts are counted.
var guesses = []string{"attempts"}

var accountWritings = []writing{
	{name: "RegisterUser", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return s.RegisterUser(ctx, gatehouse.Registration{Username: "new" + s.user.Username.String(), Password: goodPassword})
	}},
	{name: "InviteUser", do: func(ctx context.Context, s *scene) (any, error) {
		user, code, err := s.InviteUser(ctx, gatehouse.Registration{Username: "new" + s.user.Username.String()})
		return [...]any{user, code}, err
	}},
	{name: "ImportAccount", do: func(ctx context.Context, s *scene) (any, error) {
		return s.ImportAccount(ctx, newcomer("new"+s.user.Username.String()))
	}},
	{name: "ChangePass", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.ChangePass(ctx, gatehouse.PasswordChange{UserID: s.user.ID, SessionID: s.page.Session.ID, Current: goodPassword, New: otherPassword}))
	}},
	{name: "ResetPass", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.ResetPass(ctx, gatehouse.PasswordReset{Code: s.code, New: otherPassword}))
	}},
	{name: "ChangePassInBrowser", keeps: guesses, tidies: true, do: func(ctx context.Context, s *scene) (any, error) {
		return s.ChangePassInBrowser(ctx, gatehouse.PasswordChange{UserID: s.user.ID, SessionID: s.page.Session.ID, Current: goodPassword, New: otherPassword})
	}},
	{name: "ResetPassInBrowser", keeps: guesses, tidies: true, do: func(ctx context.Context, s *scene) (any, error) {
		return s.ResetPassInBrowser(ctx, gatehouse.PasswordReset{Code: s.code, New: otherPassword})
	}},
	{name: "IssueResetCode", do: func(ctx context.Context, s *scene) (any, error) { return s.IssueResetCode(ctx, s.user.ID) }},
	{name: "RenameUser", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return s.RenameUser(ctx, s.user.ID, "new"+s.user.Username.String())
	}},
	{name: "DisableUser", do: func(ctx context.Context, s *scene) (any, error) { return only(s.DisableUser(ctx, s.user.ID)) }},
	{name: "EnableUser", prepare: func(t *testing.T, s *scene) { done(t, s.DisableUser(t.Context(), s.user.ID)) },
		do: func(ctx context.Context, s *scene) (any, error) { return only(s.EnableUser(ctx, s.user.ID)) }},
	{name: "DeleteUser", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.DeleteUser(ctx, gatehouse.Deletion{UserID: s.user.ID, SessionID: s.page.Session.ID, Password: goodPassword}))
	}},
	{name: "EraseUser", do: func(ctx context.Context, s *scene) (any, error) { return only(s.EraseUser(ctx, s.user.ID)) }},
	{name: "ExportUser", readsAfter: true, do: func(ctx context.Context, s *scene) (any, error) { return s.ExportUser(ctx, s.user.ID) }},
	{name: "ConfirmPassword/wrong", keeps: guesses, refused: model.ErrWrongPassword, do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.ConfirmPassword(ctx, s.user.ID, wrongPassword))
	}},
}

var sessionWritings = []writing{
	{name: "LoginUser", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) { return s.LoginUser(ctx, credentials(s)) }},
	{name: "LoginUser/wrong", keeps: guesses, refused: model.ErrWrongCredentials, do: func(ctx context.Context, s *scene) (any, error) {
		return s.LoginUser(ctx, gatehouse.Credentials{Identifier: s.user.Username.String(), Password: wrongPassword})
	}},
	{name: "LoginUser/limit", keeps: guesses, prepare: func(t *testing.T, s *scene) {
		for range 18 {
			if _, err := s.LoginSession(t.Context(), credentials(s)); err != nil {
				t.Fatal(err)
			}
		}
	}, do: func(ctx context.Context, s *scene) (any, error) { return s.LoginUser(ctx, credentials(s)) }},
	{name: "LoginSession", keeps: guesses, do: func(ctx context.Context, s *scene) (any, error) { return s.LoginSession(ctx, credentials(s)) }},
	{name: "RefreshJWT", do: func(ctx context.Context, s *scene) (any, error) { return s.RefreshJWT(ctx, s.grant.RefreshToken) }},
	{name: "RefreshJWT/reuse", refused: model.ErrInvalidToken, do: func(ctx context.Context, s *scene) (any, error) {
		return s.RefreshJWT(ctx, s.spent)
	}},
	{name: "SessionPresence", prepare: func(_ *testing.T, s *scene) { s.clock.Add(2 * time.Minute) },
		do: func(ctx context.Context, s *scene) (any, error) { return s.SessionPresence(ctx, s.page.Token) }},
	{name: "RenewSession", do: func(ctx context.Context, s *scene) (any, error) { return s.RenewSession(ctx, s.page.Token) }},
	{name: "LogoutUser", do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.LogoutUser(ctx, s.user.ID, s.grant.SessionID))
	}},
	{name: "EndSession", do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.EndSession(ctx, s.user.ID, s.grant.SessionID))
	}},
	{name: "EndOtherSessions", do: func(ctx context.Context, s *scene) (any, error) {
		return s.EndOtherSessions(ctx, s.user.ID, s.page.Session.ID)
	}},
	{name: "RevokeToken", do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.RevokeToken(ctx, string(s.grant.RefreshToken)))
	}},
	{name: "RevokeToken/access", do: func(ctx context.Context, s *scene) (any, error) {
		return only(s.RevokeToken(ctx, s.grant.AccessToken))
	}},
}

var keyWritings = []writing{
	{name: "RotateKeys", readsAfter: true, prepare: func(t *testing.T, s *scene) { s.clock.Add(2 * gatehouse.KeyPublishedAhead) },
		do: func(ctx context.Context, s *scene) (any, error) { return s.RotateKeys(ctx) }},
	{name: "ReplaceKeys", readsAfter: true, do: func(ctx context.Context, s *scene) (any, error) {
		made, forgotten, err := s.ReplaceKeys(ctx)
		return [...]any{made, len(forgotten)}, err
	}},
	{name: "ResealKeys", steps: true, prepare: func(t *testing.T, s *scene) {
		s.store.master, s.store.other = s.store.other, s.store.master
		done(t, s.UseMasterKeys(t.Context(), followed(s.store.master, s.store.other)))
	}, do: func(ctx context.Context, s *scene) (any, error) { return s.ResealKeys(ctx) }},
	{name: "Sweep", steps: true, prepare: func(_ *testing.T, s *scene) { s.clock.Add(gatehouse.KeyRotationPeriod) },
		do: func(ctx context.Context, s *scene) (any, error) { return only(s.Sweep(ctx)) }},
}

// readings are the verbs that change nothing.
var readings = map[string]func(ctx context.Context, s *scene) error{
	"Attempts":          func(ctx context.Context, s *scene) error { return last(s.Attempts(ctx, s.user.ID)) },
	"Activity":          func(ctx context.Context, s *scene) error { return last(s.Activity(ctx, s.user.ID, 10)) },
	"BearerPresence":    func(ctx context.Context, s *scene) error { return last(s.BearerPresence(ctx, s.grant.AccessToken)) },
	"CodeAlive":         func(ctx context.Context, s *scene) error { return last(s.CodeAlive(ctx, s.code)) },
	"ExplainJWT":        func(ctx context.Context, s *scene) error { return last(s.ExplainJWT(ctx, s.grant.AccessToken)) },
	"ExplainRefresh":    func(ctx context.Context, s *scene) error { return last(s.ExplainRefresh(ctx, s.grant.RefreshToken)) },
	"ExplainStatusList": func(ctx context.Context, s *scene) error { _, _ = s.ExplainStatusList(ctx, "x"); return nil },
	"ExportAccounts": func(ctx context.Context, s *scene) error {
		return s.ExportAccounts(ctx, func(model.Account) error { return nil })
	},
	"FindEvents": func(ctx context.Context, s *scene) error {
		return last(s.FindEvents(ctx, model.EventFilter{Limit: 10}))
	},
	"OutboxState": func(ctx context.Context, s *scene) error { return last(s.OutboxState(ctx)) },
	"Recall": func(ctx context.Context, s *scene) error {
		if err := s.Recall(ctx, nil); !errors.Is(err, gatehouse.ErrPutBack) {
			return err
		}
		return nil
	},
	"VerificationNeeds": func(ctx context.Context, s *scene) error {
		return last(s.mail.VerificationNeeds(ctx, gatehouse.EmailVerification{Code: s.code}))
	},
	"FindUser":        func(ctx context.Context, s *scene) error { return last(s.FindUser(ctx, s.user.Username.String())) },
	"IntrospectToken": func(ctx context.Context, s *scene) error { return last(s.IntrospectToken(ctx, s.grant.AccessToken)) },
	"IssueJWT": func(ctx context.Context, s *scene) error {
		who, err := s.BearerPresence(ctx, s.grant.AccessToken)
		if err != nil {
			return err
		}
		return last(s.IssueJWT(ctx, who))
	},
	"KeySet":      func(ctx context.Context, s *scene) error { return last(s.KeySet(ctx)) },
	"LoginJWT":    func(ctx context.Context, s *scene) error { return last(s.LoginJWT(ctx, s.grant.AccessToken)) },
	"PepperIDs":   func(ctx context.Context, s *scene) error { return last(s.PepperIDs(ctx)) },
	"Ping":        func(ctx context.Context, s *scene) error { return s.Ping(ctx) },
	"Sessions":    func(ctx context.Context, s *scene) error { return last(s.Sessions(ctx, s.user.ID)) },
	"SigningKeys": func(ctx context.Context, s *scene) error { return last(s.SigningKeys(ctx)) },
	"StatusList":  func(ctx context.Context, s *scene) error { return last(s.StatusList(ctx)) },
	"UseMasterKeys": func(ctx context.Context, s *scene) error {
		return s.UseMasterKeys(ctx, followed(s.store.master))
	},
	"Users": func(ctx context.Context, s *scene) error { return last(s.Users(ctx, model.UserID{}, 10)) },
}

func last[V any](_ V, err error) error { return err }

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestEveryVerbStandsInTheTablesOfFaults(t *testing.T) {
	named := map[string]bool{}
	for _, w := range writings {
		name, _, _ := strings.Cut(w.name, "/")
		named[name] = true
	}
	for name := range readings {
		if named[name] {
			t.Errorf("%s stands in both tables", name)
		}
		named[name] = true
	}
	there := map[string]bool{}
	for verb := range reflect.TypeFor[*gatehouse.Auth]().Methods() {
		if verb.Type.NumIn() < 2 || verb.Type.In(1) != reflect.TypeFor[context.Context]() {
			continue // it asks no store
		}
		there[verb.Name] = true
		if !named[verb.Name] {
			t.Errorf("ST-01 %s is missing; give it a line in faultverbs_test.go", verb.Name)
		}
	}
	for name := range named {
		if !there[name] {
			t.Errorf("%s is no verb of Auth that takes a context", name)
		}
	}
}
