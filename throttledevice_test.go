package gatehouse_test

import (
	"context"
	"encoding/base64"
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// onDevice is a context whose client brings this token.
func onDevice(t testing.TB, token model.DeviceToken) context.Context {
	t.Helper()
	return model.WithClient(t.Context(), model.Client{Device: token})
}

// device logs a browser in and returns what it keeps.
func (h *house) device(t testing.TB, identifier string) gatehouse.SessionGrant {
	t.Helper()
	grant, err := h.LoginSession(t.Context(), gatehouse.Credentials{Identifier: identifier, Password: goodPassword})
	if err != nil {
		t.Fatal(err)
	}
	return grant
}

func TestLT13_StrangersDoNotLockTheOwnerOut(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	page, grant := h.device(t, "ana"), h.login(t, "ana")
	h.lockOut(t, "ana")
	toldToWait(t, try(t.Context(), h.Auth, "ana", goodPassword), 30*time.Second)
	t.Run("LT-13_sessions_go_on", func(t *testing.T) {
		if _, err := h.SessionPresence(t.Context(), page.Token); err != nil {
			t.Error(err)
		}
		if _, err := h.RefreshJWT(t.Context(), grant.RefreshToken); err != nil {
			t.Error(err)
		}
	})
	t.Run("LT-13_a_known_device_has_a_lane_of_its_own", func(t *testing.T) {
		ctx := onDevice(t, page.Device)
		if err := try(ctx, h.Auth, "ana", goodPassword); err != nil {
			t.Error(err)
		}
		if err := h.ConfirmPassword(ctx, ana.ID, goodPassword); err != nil {
			t.Error(err)
		}
	})
	t.Run("LT-10_a_session_of_a_program_shares_the_lane_of_the_account", func(t *testing.T) {
		change := gatehouse.PasswordChange{UserID: ana.ID, SessionID: grant.SessionID, Current: goodPassword, New: otherPassword}
		toldToWait(t, h.ChangePass(t.Context(), change), 30*time.Second)
	})
	t.Run("LT-12_its_success_clears_that_lane_and_no_other", func(t *testing.T) {
		toldToWait(t, try(t.Context(), h.Auth, "ana", goodPassword), 30*time.Second)
	})
	t.Run("LT-13_a_stolen_token_is_worth_one_lane", func(t *testing.T) {
		h.clock.Add(time.Hour)
		stolen := onDevice(t, page.Device)
		for range 5 {
			refused(t, try(stolen, h.Auth, "ana", wrongPassword), model.ErrWrongCredentials)
		}
		toldToWait(t, try(stolen, h.Auth, "ana", goodPassword), 30*time.Second)
		h.login(t, "ana")
		toldToWait(t, try(stolen, h.Auth, "ana", goodPassword), 30*time.Second)
	})
}

func TestLT13_ResetEndsDevicesAndLanes(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	page := h.device(t, "ana")
	t.Run("LT-13_recovery_works", func(t *testing.T) {
		h.lockOut(t, "ana")
		device, err := h.ResetPassInBrowser(t.Context(), gatehouse.PasswordReset{Code: h.code(t, ana.ID), New: otherPassword})
		if err != nil {
			t.Fatal(err)
		}
		t.Run("RV-09_the_devices_of_before_end", func(t *testing.T) {
			h.lockOut(t, "ana")
			toldToWait(t, try(onDevice(t, page.Device), h.Auth, "ana", otherPassword), 30*time.Second)
			if err := try(onDevice(t, device), h.Auth, "ana", otherPassword); err != nil {
				t.Errorf("the browser that reset is not known: %v", err)
			}
			h.clock.Add(time.Minute)
		})
		if err := try(t.Context(), h.Auth, "ana", otherPassword); err != nil {
			t.Error(err)
		}
	})
}

func TestLT13_WhichDeviceTokensCount(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	h.register(t, "bob")
	good, bobs := h.device(t, "ana").Device, h.device(t, "bob").Device
	raw, err := base64.RawURLEncoding.Strict().DecodeString(string(good))
	if err != nil || len(raw) != 56 {
		t.Fatalf("a device token is %d bytes (%v)", len(raw), err)
	}
	changed := func(at int) model.DeviceToken {
		other := append([]byte(nil), raw...)
		other[at] ^= 1
		return model.DeviceToken(base64.RawURLEncoding.EncodeToString(other))
	}
	h.lockOut(t, "ana")
	for name, token := range map[string]model.DeviceToken{
		"none": "", "somebody_elses": bobs, "another_id": changed(0), "another_end": changed(20), "another_proof": changed(55),
		"cut": good[:74], "longer": good + "A", "padded": good + "=", "with_a_line_end": good[:40] + "\n" + good[41:], "nothing_of_it": "x",
		"another_last_bit": good[:74] + model.DeviceToken(string(good[74]^1)),
	} {
		t.Run("LT-13_"+name, func(t *testing.T) {
			toldToWait(t, try(onDevice(t, token), h.Auth, "ana", goodPassword), 30*time.Second)
		})
	}
	t.Run("LT-13_it_counts_for_180_days", func(t *testing.T) {
		h := newHouse(t)
		h.register(t, "ana")
		token := h.device(t, "ana").Device
		h.clock.Add(gatehouse.DeviceLifetime - time.Second)
		h.lockOut(t, "ana")
		if err := try(onDevice(t, token), h.Auth, "ana", goodPassword); err != nil {
			t.Error(err)
		}
		h.clock.Add(time.Second)
		toldToWait(t, try(onDevice(t, token), h.Auth, "ana", goodPassword), 29*time.Second)
	})
	t.Run("LT-13_a_new_password_makes_it_worthless", func(t *testing.T) {
		h.clock.Add(time.Hour)
		user, err := h.FindUser(t.Context(), "ana")
		if err != nil {
			t.Fatal(err)
		}
		if err := h.ChangePass(t.Context(), gatehouse.PasswordChange{UserID: user.ID, Current: goodPassword, New: otherPassword}); err != nil {
			t.Fatal(err)
		}
		h.lockOut(t, "ana")
		toldToWait(t, try(onDevice(t, good), h.Auth, "ana", otherPassword), 30*time.Second)
	})
}

func TestADeviceTokenOutlivesTheMasterKey(t *testing.T) {
	h := newHouse(t)
	h.register(t, "ana")
	token := h.device(t, "ana").Device
	keys, err := h.store.MasterKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.UseMasterKeys(t.Context(), keys.Followed(model.NewMasterKey(), h.clock.Now())); err != nil {
		t.Fatal(err)
	}
	h.lockOut(t, "ana")
	if err := try(onDevice(t, token), h.Auth, "ana", goodPassword); err != nil {
		t.Error(err)
	}
}

func TestADeviceTokenIsKeptNowhere(t *testing.T) {
	h := newHouse(t)
	ana := h.register(t, "ana")
	token := h.device(t, "ana").Device
	grant, err := h.LoginSession(onDevice(t, token), gatehouse.Credentials{Identifier: "ana", Password: goodPassword})
	if err != nil || grant.Device == token || grant.Session.Client.Device != "" {
		t.Errorf("the next login: the same token %v, in the session %q (%v)", grant.Device == token, string(grant.Session.Client.Device), err)
	}
	sessions, err := h.Sessions(t.Context(), ana.ID)
	if err != nil || len(sessions) != 2 {
		t.Fatal(len(sessions), err)
	}
	for _, session := range sessions {
		if session.Client.Device != "" {
			t.Error("a session holds it")
		}
	}
}
