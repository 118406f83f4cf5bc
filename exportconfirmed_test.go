package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func TestExportHoldsWhatWasConfirmed(t *testing.T) {
	for name, tt := range map[string]struct {
		meanwhile func(t *testing.T, h *house, user model.User, page gatehouse.SessionGrant)
		want      *model.Error
	}{
		"nothing": {func(*testing.T, *house, model.User, gatehouse.SessionGrant) {}, nil},
		"the_session_ended": {func(t *testing.T, h *house, user model.User, page gatehouse.SessionGrant) {
			if err := h.EndSession(t.Context(), user.ID, page.Session.ID); err != nil {
				t.Fatal(err)
			}
		}, model.ErrInvalidToken},
		"the_password_changed": {func(t *testing.T, h *house, user model.User, page gatehouse.SessionGrant) {
			change := gatehouse.PasswordChange{UserID: user.ID, SessionID: page.Session.ID, Current: goodPassword, New: otherPassword}
			if err := h.ChangePass(t.Context(), change); err != nil {
				t.Fatal(err)
			}
		}, model.ErrInvalidToken},
		"the_user_was_disabled": {func(t *testing.T, h *house, user model.User, _ gatehouse.SessionGrant) {
			if err := h.DisableUser(t.Context(), user.ID); err != nil {
				t.Fatal(err)
			}
		}, model.ErrInvalidToken},
		"the_user_was_deleted": {func(t *testing.T, h *house, user model.User, _ gatehouse.SessionGrant) {
			if err := h.EraseUser(t.Context(), user.ID); err != nil {
				t.Fatal(err)
			}
		}, model.ErrInvalidToken},
		"the_session_ran_out": {func(_ *testing.T, h *house, _ model.User, _ gatehouse.SessionGrant) {
			h.clock.Add(25 * time.Hour)
		}, model.ErrInvalidToken},
	} {
		t.Run("SC-16_"+name, func(t *testing.T) {
			h := newHouse(t)
			user := h.register(t, "ana")
			page := h.page(t, "ana")
			proof, err := h.Confirm(t.Context(), gatehouse.Confirmation{UserID: user.ID, SessionID: page.Session.ID, Password: goodPassword})
			if err != nil {
				t.Fatal(err)
			}
			tt.meanwhile(t, h, user, page)
			export, err := h.ExportConfirmed(t.Context(), proof)
			if tt.want != nil {
				refused(t, err, tt.want)
				return
			}
			if err != nil || export.User.ID != user.ID || len(export.Sessions) != 1 || len(export.Events) == 0 || export.Events[0].Name != model.EventUserExported {
				t.Errorf("got %v, %v", export, err)
			}
		})
	}
	t.Run("SC-16_a_wrong_password_confirms_nothing", func(t *testing.T) {
		h := newHouse(t)
		user := h.register(t, "ana")
		proof, err := h.Confirm(t.Context(), gatehouse.Confirmation{UserID: user.ID, Password: wrongPassword})
		refused(t, err, model.ErrWrongPassword)
		_, err = h.ExportConfirmed(t.Context(), proof)
		refused(t, err, model.ErrInvalidToken)
	})
}
