package main

import (
	"context"
	"errors"

	"gatehouse/model"
)

// The rules see the world through a store and a mailer. What passes these two
// windows is counted here, so that neither the rules nor the engines know of it.

// Results of a try to send a mail.
const (
	mailSent     = "sent"
	mailRefused  = "refused"
	mailDeferred = "deferred"
	mailFailed   = "failed"
)

// watchStore returns the store, with the events that are recorded through it
// counted once they are kept. Without metrics it returns the store itself. What only
// some engines can is passed on here, or the rules do not see it.
func (m *metrics) watchStore(store model.Store) model.Store {
	if m == nil {
		return store
	}
	watched := watchedStore{Store: store, events: m.events}
	if keeper, ok := store.(model.MasterKeyKeeper); ok {
		return watchedKeeper{watched, keeper}
	}
	return watched
}

// watchedKeeper is for an engine that also keeps a master key.
type watchedKeeper struct {
	watchedStore
	model.MasterKeyKeeper
}

type watchedStore struct {
	model.Store
	events counts
}

func (s watchedStore) Record(ctx context.Context, event model.Event) error {
	err := s.Store.Record(ctx, event)
	if err == nil {
		s.events.add(string(event.Name))
	}
	return err
}

func (s watchedStore) Tx(ctx context.Context, fn func(model.Records) error) error {
	var seen []model.EventName
	err := s.Store.Tx(ctx, func(tx model.Records) error {
		seen = nil // an engine may have to begin anew
		return fn(watchedRecords{tx, &seen})
	})
	if err != nil {
		return err
	}
	for _, name := range seen {
		s.events.add(string(name))
	}
	return nil
}

// watchedRecords notes the events of one transaction.
type watchedRecords struct {
	model.Records
	seen *[]model.EventName
}

func (r watchedRecords) Record(ctx context.Context, event model.Event) error {
	*r.seen = append(*r.seen, event.Name)
	return r.Records.Record(ctx, event)
}

// watchMailer returns the mailer, with its tries counted. Without metrics it
// returns the mailer itself.
func (m *metrics) watchMailer(mailer model.Mailer) model.Mailer {
	if m == nil || mailer == nil {
		return mailer
	}
	return watchedMailer{Mailer: mailer, mails: m.mails}
}

type watchedMailer struct {
	model.Mailer
	mails counts
}

func (w watchedMailer) Send(ctx context.Context, message model.Message) error {
	err := w.Mailer.Send(ctx, message)
	switch {
	case err == nil:
		w.mails.add(mailSent)
	case errors.Is(err, model.ErrMailRefused):
		w.mails.add(mailRefused)
	case errors.Is(err, model.ErrMailDeferred):
		w.mails.add(mailDeferred)
	default:
		w.mails.add(mailFailed)
	}
	return err
}
