package gatehouse_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"gatehouse"
	"gatehouse/model"
	"gatehouse/sqlite"
)

// The example of the README: a user from registration to deletion.
func Example() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "gatehouse")
	check(err)
	defer func() { _ = os.RemoveAll(dir) }()

	store, err := sqlite.Open(ctx, filepath.Join(dir, "gatehouse.db")) // master.key appears beside it
	check(err)
	defer func() { _ = store.Close() }()
	auth, err := gatehouse.New(ctx, store, gatehouse.Config{Issuer: "https://id.example.com", Audience: "shop"})
	check(err)

	const password = model.Password("four quiet words here")
	user, err := auth.RegisterUser(ctx, gatehouse.Registration{Username: "Ana", Email: "ana@example.com", Password: password})
	check(err)
	grant, err := auth.LoginUser(ctx, gatehouse.Credentials{Identifier: "ana", Password: password})
	check(err)
	claims, err := auth.LoginJWT(ctx, grant.AccessToken) // reads no storage
	check(err)
	grant, err = auth.RefreshJWT(ctx, grant.RefreshToken)
	check(err)
	fmt.Println(user.Username, claims.Subject == user.ID.String(), grant.ExpiresIn, password)
	check(auth.DeleteUser(ctx, gatehouse.Deletion{UserID: user.ID, Password: password}))
	// Output: ana true 10m0s [hidden]
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
