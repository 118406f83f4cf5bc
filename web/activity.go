package web

import (
	"context"
	"time"

	"gatehouse/model"
)

// shownActivity is how many events the account page shows.
const shownActivity = 10

// activityView is one event in the list of the account page.
type activityView struct {
	What      string
	At        time.Time
	UserAgent string
	IP        string
}

// Somewhere says whether it is known where the request came from. What the operator
// did has no place.
func (a activityView) Somewhere() bool { return a.UserAgent != "" || a.IP != "" }

// Device names the browser and the system that the request came from.
func (a activityView) Device() string { return deviceName(a.UserAgent) }

// activityOf returns the newest events about a user, in plain words.
func (d *door) activityOf(ctx context.Context, id model.UserID) (list []activityView, err error) {
	events, err := d.auth.Activity(ctx, id, shownActivity)
	for _, event := range events {
		list = append(list, activityView{
			What: whatHappened(event.Name), At: event.At, UserAgent: event.Client.UserAgent, IP: placeOf(event.Client),
		})
	}
	return list, err
}

// whatHappened says an event to the person it is about.
func whatHappened(name model.EventName) string {
	for _, words := range [...]struct {
		name model.EventName
		what string
	}{
		{model.EventUserCreated, "Registered"},
		{model.EventUserDisabled, "Disabled by the operator"},
		{model.EventUserEnabled, "Enabled by the operator"},
		{model.EventUserDeleted, "Deleted"},
		{model.EventUserExported, "Data exported"},
		{model.EventUserImported, "Moved here from another system"},
		{model.EventLoginSuccess, "Logged in"},
		{model.EventLoginFail, "Login failed"},
		{model.EventPasswordFail, "Wrong password while logged in"},
		{model.EventPasswordChange, "Password changed"},
		{model.EventPasswordReset, "Password set with a link or code"},
		{model.EventPasswordRehash, "Stored password protected anew"},
		{model.EventPasswordUnchecked, "New password taken without the check for leaks"},
		{model.EventHashRejected, "Login failed: the stored password could not be checked"},
		{model.EventCodeIssued, "Link or code made"},
		{model.EventCodeDeclined, "Link or code declined"},
		{model.EventCodeWrong, "Wrong code typed"},
		{model.EventTokenReuse, "A copy of a login was used, and its session was ended"},
		{model.EventSessionEnded, "Session ended"},
		{model.EventSessionsEnded, "Other sessions ended"},
		{model.EventSessionLimit, "Oldest session ended, because there were too many"},
		{model.EventUsernameChanged, "Username changed"},
		{model.EventUserDeclined, "Registration declined"},
		{model.EventLoginLock, "Logins slowed down after too many wrong passwords"},
		{model.EventExcessRate, "Slowed down: too many requests"},
		{model.EventEmailVerified, "Email confirmed"},
		{model.EventEmailChangeAsked, "Change of email asked for"},
		{model.EventEmailChanged, "Email changed"},
		{model.EventEmailUnverified, "Login refused until the email is confirmed"},
		{model.EventMailFailed, "Mail not sent yet"},
		{model.EventMailGivenUp, "Mail not sent"},
	} {
		if words.name == name {
			return words.what
		}
	}
	return otherActivity
}

// otherActivity is what is said of an event that has no words of its own.
const otherActivity = "Something else happened"
