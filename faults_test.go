package gatehouse_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

var errFault = errors.New("the disk is on fire")

// faultyStore is a real store whose n-th verb inside a transaction fails.
type faultyStore struct {
	model.Store
	n, calls int // n is 0 while nothing fails
}

func (s *faultyStore) Tx(ctx context.Context, fn func(model.Records) error) error {
	return s.Store.Tx(ctx, func(tx model.Records) error { return fn(faultyRecords{tx, s}) })
}

type faultyRecords struct {
	model.Records
	store *faultyStore
}

func (r faultyRecords) fault() error {
	r.store.calls++
	if r.store.calls == r.store.n {
		return errFault
	}
	return nil
}

func (r faultyRecords) CreateUser(ctx context.Context, u model.User, h model.PasswordHash) error {
	return errors.Join(r.fault(), r.Records.CreateUser(ctx, u, h))
}

func (r faultyRecords) RenameUser(ctx context.Context, id model.UserID, name model.Username, at time.Time) (model.User, error) {
	user, err := r.Records.RenameUser(ctx, id, name, at)
	return user, errors.Join(r.fault(), err)
}

func (r faultyRecords) SetDisabled(ctx context.Context, id model.UserID, at, now time.Time) error {
	return errors.Join(r.fault(), r.Records.SetDisabled(ctx, id, at, now))
}

func (r faultyRecords) DeleteUser(ctx context.Context, id model.UserID, now time.Time) error {
	return errors.Join(r.fault(), r.Records.DeleteUser(ctx, id, now))
}

func (r faultyRecords) HoldAccount(ctx context.Context, hold model.Hold) error {
	return errors.Join(r.fault(), r.Records.HoldAccount(ctx, hold))
}

func (r faultyRecords) ChangePassword(ctx context.Context, id model.UserID, v int64, h model.PasswordHash, at time.Time) error {
	return errors.Join(r.fault(), r.Records.ChangePassword(ctx, id, v, h, at))
}

func (r faultyRecords) ResetPassword(ctx context.Context, id model.UserID, h model.PasswordHash, at time.Time) (model.User, error) {
	user, err := r.Records.ResetPassword(ctx, id, h, at)
	return user, errors.Join(r.fault(), err)
}

func (r faultyRecords) OpenSession(ctx context.Context, s model.Session, v int64) (int64, error) {
	index, err := r.Records.OpenSession(ctx, s, v)
	return index, errors.Join(r.fault(), err)
}

func (r faultyRecords) EndSession(ctx context.Context, u model.UserID, id model.SessionID, now time.Time) error {
	return errors.Join(r.fault(), r.Records.EndSession(ctx, u, id, now))
}

func (r faultyRecords) EndSessions(ctx context.Context, u model.UserID, keep model.SessionID, now time.Time) (int, error) {
	n, err := r.Records.EndSessions(ctx, u, keep, now)
	return n, errors.Join(r.fault(), err)
}

func (r faultyRecords) EndOldestSessions(ctx context.Context, u model.UserID, limit int, now time.Time) (int, error) {
	n, err := r.Records.EndOldestSessions(ctx, u, limit, now)
	return n, errors.Join(r.fault(), err)
}

func (r faultyRecords) IssueCode(ctx context.Context, c model.CodeRecord) error {
	return errors.Join(r.fault(), r.Records.IssueCode(ctx, c))
}

func (r faultyRecords) SpendCode(ctx context.Context, d model.Digest, p model.CodePurpose, now time.Time) (model.UserID, error) {
	id, err := r.Records.SpendCode(ctx, d, p, now)
	return id, errors.Join(r.fault(), err)
}

func (r faultyRecords) DropCodes(ctx context.Context, id model.UserID) error {
	return errors.Join(r.fault(), r.Records.DropCodes(ctx, id))
}

func (r faultyRecords) Record(ctx context.Context, e model.Event) error {
	return errors.Join(r.fault(), r.Records.Record(ctx, e))
}

// snapshot is every row of every table.
func (h *house) snapshot(t *testing.T) string {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(h.dir, "gatehouse.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	var all strings.Builder
	for _, table := range []string{"users", "sessions", "codes", "signing_keys", "events"} {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			if err := rows.Scan(values...); err != nil {
				t.Fatal(err)
			}
			for i, value := range values {
				fmt.Fprintf(&all, "%s.%s=%v ", table, columns[i], *value.(*any))
			}
			all.WriteByte('\n')
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return all.String()
}

func TestEveryVerbIsAllOrNothing(t *testing.T) {
	tests := []struct {
		name string
		act  func(ctx context.Context, h *house, user model.User, grant gatehouse.Grant, code model.Code) error
	}{
		{"RegisterUser", func(ctx context.Context, h *house, _ model.User, _ gatehouse.Grant, _ model.Code) error {
			_, err := h.RegisterUser(ctx, gatehouse.Registration{Username: "bob", Password: goodPassword})
			return err
		}},
		{"InviteUser", func(ctx context.Context, h *house, _ model.User, _ gatehouse.Grant, _ model.Code) error {
			_, _, err := h.InviteUser(ctx, gatehouse.Registration{Username: "bob"})
			return err
		}},
		{"LT-21_LoginUser", func(ctx context.Context, h *house, _ model.User, _ gatehouse.Grant, _ model.Code) error {
			grant, err := h.LoginUser(ctx, gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
			if err != nil && grant.AccessToken != "" {
				return nil // a token beside an error would pass for success
			}
			return err
		}},
		{"ChangePass", func(ctx context.Context, h *house, u model.User, g gatehouse.Grant, _ model.Code) error {
			return h.ChangePass(ctx, gatehouse.PasswordChange{UserID: u.ID, SessionID: g.SessionID, Current: goodPassword, New: otherPassword})
		}},
		{"ResetPass", func(ctx context.Context, h *house, _ model.User, _ gatehouse.Grant, c model.Code) error {
			return h.ResetPass(ctx, gatehouse.PasswordReset{Code: c, New: otherPassword})
		}},
		{"RenameUser", func(ctx context.Context, h *house, u model.User, _ gatehouse.Grant, _ model.Code) error {
			_, err := h.RenameUser(ctx, u.ID, "anna")
			return err
		}},
		{"LogoutUser", func(ctx context.Context, h *house, u model.User, g gatehouse.Grant, _ model.Code) error {
			return h.LogoutUser(ctx, u.ID, g.SessionID)
		}},
		{"EndOtherSessions", func(ctx context.Context, h *house, u model.User, _ gatehouse.Grant, _ model.Code) error {
			_, err := h.EndOtherSessions(ctx, u.ID, model.SessionID{})
			return err
		}},
		{"IssueResetCode", func(ctx context.Context, h *house, u model.User, _ gatehouse.Grant, _ model.Code) error {
			_, err := h.IssueResetCode(ctx, u.ID)
			return err
		}},
		{"DisableUser", func(ctx context.Context, h *house, u model.User, _ gatehouse.Grant, _ model.Code) error {
			return h.DisableUser(ctx, u.ID)
		}},
		{"JW-24_RotateKeys", func(ctx context.Context, h *house, _ model.User, _ gatehouse.Grant, _ model.Code) error {
			_, err := h.RotateKeys(ctx)
			return err
		}},
		{"JW-24_ReplaceKeys", func(ctx context.Context, h *house, _ model.User, _ gatehouse.Grant, _ model.Code) error {
			_, _, err := h.ReplaceKeys(ctx)
			return err
		}},
		{"DeleteUser", func(ctx context.Context, h *house, u model.User, g gatehouse.Grant, _ model.Code) error {
			return h.DeleteUser(ctx, gatehouse.Deletion{UserID: u.ID, SessionID: g.SessionID, Password: goodPassword})
		}},
	}
	for _, tt := range tests {
		t.Run("ST-01_AI-28_LG-14_"+tt.name, func(t *testing.T) {
			h := newHouse(t)
			faulty := &faultyStore{Store: h.store}
			auth, err := gatehouse.New(t.Context(), faulty, withMasterKey(t, h))
			if err != nil {
				t.Fatal(err)
			}
			h.Auth = auth
			user := h.register(t, "ana")
			grant := h.login(t, "ana")
			code := h.code(t, user.ID)
			before := h.snapshot(t)
			for n := 1; ; n++ {
				faulty.n, faulty.calls = n, 0
				err := tt.act(t.Context(), h, user, grant, code)
				if faulty.calls < n {
					if n < 3 || err != nil {
						t.Errorf("%d faults were tried; without one it says %v", n-1, err)
					}
					return
				}
				if !errors.Is(err, errFault) {
					t.Errorf("fault %d: answered %v", n, err)
				}
				if h.snapshot(t) != before {
					t.Fatalf("fault %d left half a state", n)
				}
			}
		})
	}
}

// withMasterKey is the configuration for a store that keeps no key of its own.
func withMasterKey(t *testing.T, h *house) gatehouse.Config {
	t.Helper()
	keys, err := h.store.MasterKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cfg := h.cfg
	cfg.MasterKey = keys.Current
	return cfg
}
