package gatehouse_test

import (
	"testing"
	"time"

	"gatehouse"
	"gatehouse/model"
)

// Whoever is patient enough never to be slowed down has a hundred guesses all the
// same, over however many days.
func TestAHundredFailuresDisableThePassword(t *testing.T) {
	t.Parallel()
	m := newMailHouse(t)
	m.entered(t, "ana")
	before := gatehouse.EvaluationsOf(m.Auth)
	for range 100 {
		refused(t, m.guess(t, "ana"), model.ErrWrongCredentials)
		m.clock.Add(7 * time.Hour) // at most four a day
	}
	if did := gatehouse.EvaluationsOf(m.Auth) - before; did != 100 {
		t.Fatalf("%d guesses were looked at, want 100", did)
	}
	m.clock.Add(30 * 24 * time.Hour)
	t.Run("LT-01_the_right_password_is_wrong_a_month_later_too", func(t *testing.T) {
		refused(t, try(t.Context(), m.Auth, "ana", goodPassword), model.ErrWrongCredentials)
	})
	t.Run("LT-01_a_reset_by_mail_enables_it", func(t *testing.T) {
		m.clock.Add(time.Hour)
		m.deliver(t)
		m.recovers(t)
		mustNot(t, try(t.Context(), m.Auth, "ana", otherPassword))
	})
}
