package web

import (
	"fmt"
	"net/http"

	"gatehouse/model"
)

const plainText = "text/plain; charset=utf-8"

// healthy says that the process answers.
func (d *door) healthy(x *exchange) error {
	return x.write(http.StatusOK, plainText, []byte("ok"))
}

// ready says that the store answers too. Refusal: ErrUnavailable.
func (d *door) ready(x *exchange) error {
	if err := d.auth.Ping(x.r.Context()); err != nil {
		// Why it does not answer is for the log.
		return fmt.Errorf("web: ready: %w: %w", model.ErrStoreUnavailable, err)
	}
	return d.healthy(x)
}

// static serves a file of the pages, under the name that carries its hash.
func (d *door) static(x *exchange) error {
	if _, ok := d.pages.assets[staticPrefix+x.parameter]; !ok {
		return model.ErrNotFound
	}
	d.pages.serveStatic(x.w, x.r)
	return nil
}
