package gatehouse_test

import (
	"fmt"
	"strings"
	"testing"

	"gatehouse"
	"gatehouse/model"
)

// TestNothingOfAPersonIsLeft looks at every row of every table of either engine for
// a user who has done all there is to do.
func TestNothingOfAPersonIsLeft(t *testing.T) {
	t.Parallel()
	onBothEngines(t, func(t *testing.T, store *tappedStore) {
		auth, c := store.auth(t)
		s := newScene(t, store, auth, c, "zanzibar")
		ctx := model.WithClient(t.Context(), model.Client{Address: model.ClientFrom(fromDevice(t, "192.0.2.177", "x")).Address, UserAgent: "zanzibar-agent", RequestID: "zanzibar-request"})
		done(t, last(s.LoginSession(ctx, credentials(s))))
		_ = try(ctx, s.Auth, "zanzibar", wrongPassword)
		done(t, s.mail.ForgotPass(ctx, gatehouse.Recovery{Email: "zanzibar@example.com", Request: model.NewRequestSecret()}))
		done(t, s.mail.ChangeEmail(ctx, gatehouse.EmailChange{UserID: s.user.ID, SessionID: s.page.Session.ID, Email: "zanzibar@example.org", Password: goodPassword, Request: model.NewRequestSecret()}))
		done(t, last(s.RenameUser(ctx, s.user.ID, "zanzibar2")))
		done(t, last(s.ExportUser(ctx, s.user.ID)))
		found := traces(store.contents(t))
		if len(found) < 6 {
			t.Fatalf("before the deletion only %q", found)
		}
		done(t, s.DeleteUser(ctx, gatehouse.Deletion{UserID: s.user.ID, SessionID: s.page.Session.ID, Password: goodPassword}))
		t.Run("RV-22_no_name_no_address_no_agent_in_any_table", func(t *testing.T) {
			if found := traces(store.contents(t)); len(found) > 0 {
				t.Errorf("still there: %q", found)
			}
		})
		t.Run("RV-22_events_keep_the_id", func(t *testing.T) {
			events, err := store.EventsOf(t.Context(), s.user.ID, 100)
			if err != nil || len(events) < 8 {
				t.Errorf("%d events, %v", len(events), err)
			}
		})
		t.Run("RV-22_the_email_registers_anew_as_somebody_else", func(t *testing.T) {
			again, err := s.RegisterUser(t.Context(), gatehouse.Registration{Username: "zanzibar", Email: "zanzibar@example.com", Password: otherPassword})
			if err != nil || again.ID == s.user.ID {
				t.Errorf("%v, %v", again.ID, err)
			}
			refused(t, try(t.Context(), s.Auth, "zanzibar", goodPassword), model.ErrWrongCredentials)
		})
	})
}

// traces are the rows that hold something of zanzibar, as text or as bytes that are
// printed in numbers.
func traces(all contents) (found []string) {
	for table, rows := range all {
		for _, row := range rows {
			for _, mark := range []string{"zanzibar", "192.0.2.177"} {
				if strings.Contains(row, mark) || strings.Contains(row, strings.Trim(fmt.Sprint([]byte(mark)), "[]")) {
					found = append(found, table+":"+mark)
				}
			}
		}
	}
	return found
}
