package importer

import (
	"cmp"

	"gatehouse/model"
)

// pocketBaseUser is a row of an auth collection, as sqlite3 -json writes it. The
// hash moved from one column to the other with version 0.23.
type pocketBaseUser struct {
	ID           string `json:"id"`
	Username     string `json:"username"`
	Email        string `json:"email"`
	Verified     truth  `json:"verified"`
	Password     string `json:"password"`
	PasswordHash string `json:"passwordHash"`
	Created      string `json:"created"`
	Updated      string `json:"updated"`
}

func parsePocketBase(object []byte) (User, error) {
	var from pocketBaseUser
	if err := decode(object, &from); err != nil {
		return User{}, err
	}
	var times moments
	user := User{
		ID: idOf(PocketBase, from.ID), EmailVerified: bool(from.Verified),
		CreatedAt: times.text("created", from.Created), UpdatedAt: times.text("updated", from.Updated),
		PasswordHash: model.PasswordHash(cmp.Or(from.Password, from.PasswordHash)),
	}
	user.name(from.Username, from.Email)
	return user, times.err()
}
