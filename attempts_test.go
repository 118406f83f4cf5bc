package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

func mustAttempts(t testing.TB, h *house, id model.UserID) gatehouse.AttemptReport {
	t.Helper()
	found, err := h.Attempts(t.Context(), id)
	mustNot(t, err)
	return found
}

func TestTheOperatorSeesWhoIsSlowedDown(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	page := h.device(t, "ana")
	if found := mustAttempts(t, h, ana.ID); found.OtherDevices != (gatehouse.LaneAttempts{}) || len(found.KnownDevices) != 0 {
		t.Errorf("nobody has guessed: %+v", found)
	}
	_, err := h.RenameUser(t.Context(), ana.ID, "anna") // has a lane that is no device
	mustNot(t, err)
	for range 4 {
		_ = try(t.Context(), h.Auth, "anna", otherPassword)
	}
	if got := mustAttempts(t, h, ana.ID).OtherDevices; got.Failures != 4 || !got.BlockedUntil.IsZero() {
		t.Errorf("four are free: %+v", got)
	}
	_ = try(t.Context(), h.Auth, "anna", otherPassword)
	_ = try(onDevice(t, page.Device), h.Auth, "anna", otherPassword)
	now, found := h.clock.Now(), mustAttempts(t, h, ana.ID)
	if want := (gatehouse.LaneAttempts{Failures: 5, Total: 5, LastAt: now, BlockedUntil: now.Add(30 * time.Second)}); found.OtherDevices != want {
		t.Errorf("other devices: %+v, want %+v", found.OtherDevices, want)
	}
	if want := (gatehouse.LaneAttempts{Failures: 1, Total: 1, LastAt: now}); len(found.KnownDevices) != 1 || found.KnownDevices[0] != want {
		t.Errorf("known devices: %+v, want %+v", found.KnownDevices, want)
	}
	h.clock.Add(30 * time.Second)
	if got := mustAttempts(t, h, ana.ID).OtherDevices; got.Failures != 5 || !got.BlockedUntil.IsZero() {
		t.Errorf("when the time is over: %+v", got)
	}
	h.clock.Add(24 * time.Hour)
	if got := mustAttempts(t, h, ana.ID).OtherDevices; got.Failures != 0 || got.Total != 5 {
		t.Errorf("a day later: %+v", got)
	}
	mustNot(t, try(onDevice(t, page.Device), h.Auth, "anna", goodPassword))
	if found := mustAttempts(t, h, ana.ID); len(found.KnownDevices) != 0 {
		t.Errorf("after the right password on the device: %+v", found)
	}
	_, err = h.Attempts(t.Context(), model.NewID[model.User]())
	refused(t, err, model.ErrNotFound)
}

func TestTheOperatorEndsTheWaiting(t *testing.T) {
	h := newHouse(t)
	ana, bob := h.register(t, "ana"), h.register(t, "bob")
	h.lockOut(t, "ana")
	h.lockOut(t, "bob")
	refused(t, try(t.Context(), h.Auth, "ana", goodPassword), model.ErrTooManyAttempts)
	mustNot(t, h.EnableUser(t.Context(), ana.ID))
	t.Run("four_are_free_again_and_all_are_counted", func(t *testing.T) {
		for range 5 {
			refused(t, try(t.Context(), h.Auth, "ana", otherPassword), model.ErrWrongCredentials)
		}
		refused(t, try(t.Context(), h.Auth, "ana", goodPassword), model.ErrTooManyAttempts)
		if got := mustAttempts(t, h, ana.ID).OtherDevices; got.Total != 10 || got.Failures != 5 {
			t.Errorf("%+v", got)
		}
	})
	t.Run("the_right_password_opens", func(t *testing.T) {
		mustNot(t, h.EnableUser(t.Context(), ana.ID))
		mustNot(t, try(t.Context(), h.Auth, "ana", goodPassword))
	})
	t.Run("others_wait_on", func(t *testing.T) {
		refused(t, try(t.Context(), h.Auth, "bob", goodPassword), model.ErrTooManyAttempts)
	})
	t.Run("LT-01_a_password_that_is_used_up_stays_so", func(t *testing.T) {
		for range 20 { // five each
			mustNot(t, h.EnableUser(t.Context(), bob.ID))
			for range 5 {
				_ = try(t.Context(), h.Auth, "bob", otherPassword)
			}
		}
		mustNot(t, h.EnableUser(t.Context(), bob.ID))
		if got := mustAttempts(t, h, bob.ID).OtherDevices; !got.UsedUp || !got.BlockedUntil.IsZero() {
			t.Errorf("%+v", got)
		}
		refused(t, try(t.Context(), h.Auth, "bob", goodPassword), model.ErrWrongCredentials)
	})
}
