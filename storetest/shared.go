package storetest

import (
	"testing"

	"gatehouse/model"
)

// shares is a contract of two stores over the same data.
type shares struct {
	name  string
	prove func(t *testing.T, first, second model.Store)
}

var shared = []shares{
	{"ST-14_what_one_writes_the_other_sees", seenByTheOther},
	{"LT-23_one_username_has_one_winner", oneUsername},
	{"LT-23_one_of_many_lookalikes_wins", oneLookalike},
	{"one_email_has_one_winner", oneEmail},
	{"RF-03_all_who_present_one_counter_get_the_same_successor", oneSuccessor},
	{"RF-03_with_a_strict_window_one_wins", oneStrictStep},
	{"RF-09_a_step_and_an_end_racing_leave_the_session_dead", stepAgainstEnd},
	{"RF-23_ending_all_beats_steps_in_flight", stepsAgainstEndAll},
	{"ST-04_one_session_is_ended_once", endedOnce},
	{"RV-04_one_code_is_spent_once", codeSpentOnce},
	{"RV-16_digits_are_tried_five_times_however_many_try", digitsTriedFiveTimes},
	{"ST-04_one_mail_is_claimed_once", mailClaimedOnce},
	{"ST-04_one_email_change_wins", oneEmailChange},
	{"LG-08_of_two_that_seal_each_goes_on_where_the_other_was", sealersInTurn},
	{"ST-04_one_generation_of_a_key_is_made_once", keyMadeOnce},
	{"ST-04_no_session_outlives_the_password_it_used", openAgainstChange},
	{"ST-04_one_password_change_of_a_version_wins", oneChange},
	{"ST-04_no_session_is_opened_for_a_deleted_user", openAgainstDelete},
	{"one_cookie_is_renewed_once", cookieRenewedOnce},
	{"one_code_per_user_and_purpose_is_left", oneCodeLeft},
	{"a_failing_write_takes_nothing_of_the_others", failingAmongOthers},
	{"a_panic_takes_nothing_of_the_others", panicAmongOthers},
	{"places_stay_apart", placesApart},
	{"LT-05_of_many_attempts_at_once_the_rule_lets_pass_what_it_does", fiveOfMany},
	{"no_lane_outlives_its_user", chargedAgainstDelete},
}

// races are the same with one store in both roles.
var races = oneInBothRoles(shared)

func oneInBothRoles(list []shares) []contract {
	var out []contract
	for _, c := range list {
		out = append(out, contract{c.name, func(t *testing.T, store model.Store) { c.prove(t, store, store) }})
	}
	return out
}

// crowd is how many callers race; half of them use each store.
const crowd = 50

func either(i int, first, second model.Store) model.Store {
	if i%2 == 0 {
		return first
	}
	return second
}
