package storetest

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"gatehouse/model"
)

var transactions = []contract{
	{"ST-01_all_of_it_is_kept", txKeepsAll},
	{"ST-01_an_error_keeps_nothing_and_comes_back_as_it_is", txErrorKeepsNothing},
	{"ST-01_a_panic_keeps_nothing_and_reaches_the_caller", txPanicKeepsNothing},
	{"ST-01_a_goroutine_that_ends_keeps_nothing", txGoexitKeepsNothing},
	{"ST-01_each_verb_is_undone", txUndoesEachVerb},
	{"a_transaction_sees_its_own_writes_and_nobody_else_does", txSeesItself},
	{"records_are_worth_nothing_after_their_transaction", txRecordsEnd},
	{"an_expired_code_is_refused_inside_too", txExpiredCode},
	{"a_transaction_that_only_reads", txReads},
}

func txKeepsAll(t *testing.T, store model.Store) {
	ana := person("ana")
	session := login(ana.ID, noon)
	event := model.Event{At: noon, Name: model.EventUserCreated, UserID: ana.ID}
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		place, err := int64(0), r.CreateUser(t.Context(), ana, firstHash)
		if err == nil {
			place, err = r.OpenSession(t.Context(), session, 1)
		}
		session.StatusIndex = place
		return errors.Join(err, r.Record(t.Context(), event))
	}))
	same(t, got(store.Presence(t.Context(), session.ID, noon))(t), model.Presence{User: ana, Session: session})
	same(t, got(store.EventsOf(t.Context(), ana.ID, 10))(t), []model.Event{event})
}

func txErrorKeepsNothing(t *testing.T, store model.Store) {
	ana := person("ana")
	for _, want := range []error{errOnPurpose, model.ErrWrongPassword} {
		err := store.Tx(t.Context(), func(r model.Records) error {
			must(t, r.CreateUser(t.Context(), ana, firstHash))
			return want
		})
		if err != want { //nolint:errorlint // exactly this error is promised
			t.Errorf("got error %v, want %v", err, want)
		}
		_, err = store.User(t.Context(), ana.ID)
		refused(t, err, model.ErrNotFound)
	}
	// A refusal of one verb is the function's to judge.
	bob := added(t, store, "bob")
	err := store.Tx(t.Context(), func(r model.Records) error {
		must(t, r.CreateUser(t.Context(), ana, firstHash))
		_, err := r.User(t.Context(), model.NewID[model.User]())
		refused(t, err, model.ErrNotFound)
		return r.ChangePassword(t.Context(), bob.ID, 99, "new", noon)
	})
	refused(t, err, model.ErrNotFound)
	_, err = store.User(t.Context(), ana.ID)
	refused(t, err, model.ErrNotFound)
}

func txPanicKeepsNothing(t *testing.T, store model.Store) {
	ana := person("ana")
	func() {
		defer func() {
			if p := recover(); p != errOnPurpose {
				t.Errorf("got panic %v, want %v", p, errOnPurpose)
			}
		}()
		_ = store.Tx(t.Context(), func(r model.Records) error {
			must(t, r.CreateUser(t.Context(), ana, firstHash))
			panic(errOnPurpose)
		})
		t.Error("Tx returned after a panic")
	}()
	_, err := store.User(t.Context(), ana.ID)
	refused(t, err, model.ErrNotFound)
	added(t, store, "ana") // the store goes on
}

func txGoexitKeepsNothing(t *testing.T, store model.Store) {
	ana := person("ana")
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = store.Tx(t.Context(), func(r model.Records) error {
			_ = r.CreateUser(t.Context(), ana, firstHash)
			runtime.Goexit()
			return nil
		})
	}()
	<-ended
	_, err := store.User(t.Context(), ana.ID)
	refused(t, err, model.ErrNotFound)
	added(t, store, "ana")
}

// txUndoesEachVerb runs every verb that writes in a transaction that fails, and
// compares what can be read before and after.
func txUndoesEachVerb(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	session, overAPI := opened(t, store, ana.ID, noon), openedOverAPI(t, store, ana.ID, noon)
	code, mail := codeWithDigits(ana.ID, 1), mailFor(ana.ID, noon)
	must(t, store.IssueCode(t.Context(), code))
	must(t, store.QueueMail(t.Context(), mail))
	must(t, store.Record(t.Context(), model.Event{At: noon, Name: model.EventUserCreated, UserID: ana.ID, Client: session.Client}))
	must(t, store.SealEvents(t.Context(), seals(got(store.UnsealedEvents(t.Context(), 1))(t), 1)))
	must(t, store.Record(t.Context(), model.Event{At: noon, Name: model.EventSigningKeyMade}))
	unsealed := got(store.UnsealedEvents(t.Context(), 1))(t)
	ctx, later := t.Context(), noon.Add(time.Minute)
	for name, verb := range map[string]func(r model.Records) error{
		"CreateUser":     func(r model.Records) error { return r.CreateUser(ctx, person("bob"), firstHash) },
		"RenameUser":     func(r model.Records) error { return second(r.RenameUser(ctx, ana.ID, "bob", later)) },
		"SetDisabled":    func(r model.Records) error { return r.SetDisabled(ctx, ana.ID, later, later) },
		"DeleteUser":     func(r model.Records) error { return r.DeleteUser(ctx, ana.ID, later) },
		"RehashPassword": func(r model.Records) error { return second(r.RehashPassword(ctx, ana.ID, firstHash, "new")) },
		"ChangePassword": func(r model.Records) error { return r.ChangePassword(ctx, ana.ID, 1, "new", later) },
		"ResetPassword":  func(r model.Records) error { return second(r.ResetPassword(ctx, ana.ID, "new", later)) },
		"OpenSession":    func(r model.Records) error { return second(r.OpenSession(ctx, login(ana.ID, later), 1)) },
		"StepSession":    func(r model.Records) error { return second(r.StepSession(ctx, step(overAPI, 1, later))) },
		"UseSession":     func(r model.Records) error { return r.UseSession(ctx, session.ID, later, later.Add(idle)) },
		"RenewToken":     func(r model.Records) error { return r.RenewToken(ctx, session.TokenDigest, model.Digest{9}, later) },
		"EndSession":     func(r model.Records) error { return r.EndSession(ctx, ana.ID, session.ID, later) },
		"EndSessions":    func(r model.Records) error { return second(r.EndSessions(ctx, ana.ID, model.SessionID{}, later)) },
		"EndOldest":      func(r model.Records) error { return second(r.EndOldestSessions(ctx, ana.ID, 0, later)) },
		"ForgetSessions": func(r model.Records) error { return second(r.ForgetSessions(ctx, later.Add(2*longest))) },
		"CreateKey":      func(r model.Records) error { return second(r.CreateSigningKey(ctx, signingKey("EdDSA", 1))) },
		"IssueCode":      func(r model.Records) error { return r.IssueCode(ctx, codeFor(ana.ID, 2)) },
		"SpendCode":      func(r model.Records) error { return second(r.SpendCode(ctx, code.Digest, code.Purpose, later)) },
		"TryCode":        func(r model.Records) error { return second(r.TryCode(ctx, tryOf(code))) },
		"VerifyEmail":    func(r model.Records) error { return second(r.VerifyEmail(ctx, ana.ID, ana.Email, later)) },
		"ChangeEmail":    func(r model.Records) error { return second(r.ChangeEmail(ctx, ana.ID, "new@example.com", later)) },
		"QueueMail":      func(r model.Records) error { return r.QueueMail(ctx, mailFor(ana.ID, later)) },
		"RemoveMail":     func(r model.Records) error { return second(r.RemoveMail(ctx, mail.ID)) },
		"DropCodes":      func(r model.Records) error { return r.DropCodes(ctx, ana.ID) },
		"ForgetCodes":    func(r model.Records) error { return second(r.ForgetCodes(ctx, later.Add(longest))) },
		"Record":         func(r model.Records) error { return r.Record(ctx, model.Event{At: later, Name: "x", UserID: ana.ID}) },
		"SealEvents":     func(r model.Records) error { return r.SealEvents(ctx, seals(unsealed, 2)) },
		"KeepEventChain": func(r model.Records) error { return r.KeepEventChain(ctx, []byte("record")) },
		"ForgetEvents":   func(r model.Records) error { return second(r.ForgetEvents(ctx, 1)) },
	} {
		t.Run(name, func(t *testing.T) {
			before := look(t, store, ana, code)
			err := store.Tx(t.Context(), func(r model.Records) error {
				must(t, verb(r))
				inside := look(t, r, ana, code)
				if inside == before && name != "CreateUser" {
					t.Error("the verb changed nothing that can be read")
				}
				return errOnPurpose
			})
			if !errors.Is(err, errOnPurpose) {
				t.Fatalf("got error %v, want %v", err, errOnPurpose)
			}
			same(t, look(t, store, ana, code), before)
		})
	}
}

// view is what can be read about one user.
type view struct{ Account, Sessions, Events, Chain, Code, Outbox, All, Keys, Ended string }

func look(t *testing.T, r model.Records, user model.User, code model.CodeRecord) view {
	t.Helper()
	ctx := t.Context()
	record, last, err := r.EventChain(ctx)
	must(t, err)
	account, err := r.Account(ctx, user.ID)
	text := sprint(account, string(account.PasswordHash), errors.Is(err, model.ErrNotFound))
	return view{
		Account:  text,
		Sessions: sprint(got(r.SessionsOf(ctx, user.ID, noon))(t)),
		Events:   sprint(got(r.EventsOf(ctx, user.ID, 10))(t)),
		Chain:    sprint(got(r.FindEvents(ctx, model.EventFilter{Limit: 10}))(t), string(record), last),
		Code:     sprint(liveCode(t, r, code)),
		Outbox:   sprint(got(r.OutboxState(ctx))(t)),
		All:      sprint(got(r.Accounts(ctx, model.UserID{}, 100))(t)),
		Keys:     sprint(got(r.SigningKeys(ctx))(t)),
		Ended:    sprint(got(r.EndedIndexes(ctx))(t)),
	}
}

func txSeesItself(t *testing.T, store model.Store) {
	ana := person("ana")
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		must(t, r.CreateUser(t.Context(), ana, firstHash))
		same(t, got(r.User(t.Context(), ana.ID))(t), ana)
		_, err := store.User(t.Context(), ana.ID) // outside, at the same time
		refused(t, err, model.ErrNotFound)
		refused(t, r.CreateUser(t.Context(), person("ana"), firstHash), model.ErrUsernameTaken)
		return nil
	}))
	same(t, got(store.User(t.Context(), ana.ID))(t), ana)
}

func txRecordsEnd(t *testing.T, store model.Store) {
	var kept model.Records
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		kept = r
		return nil
	}))
	if err := kept.CreateUser(t.Context(), person("ana"), firstHash); err == nil {
		t.Error("records wrote after their transaction")
	}
	if _, err := kept.SigningKeys(t.Context()); err == nil {
		t.Error("records read after their transaction")
	}
	_, err := store.AccountByUsername(t.Context(), "ana")
	refused(t, err, model.ErrNotFound)
}

func txExpiredCode(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	code := codeFor(ana.ID, 1)
	must(t, store.IssueCode(t.Context(), code))
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		_, err := r.SpendCode(t.Context(), code.Digest, code.Purpose, code.ExpiresAt)
		refused(t, err, model.ErrNotFound)
		return nil
	}))
	if codeIsAlive(t, store, code, noon) {
		t.Error("the expired code is still there")
	}
}

func txReads(t *testing.T, store model.Store) {
	ana := added(t, store, "ana")
	must(t, store.Tx(t.Context(), func(r model.Records) error {
		same(t, got(r.User(t.Context(), ana.ID))(t), ana)
		return nil
	}))
	must(t, store.Tx(t.Context(), func(model.Records) error { return nil }))
}
