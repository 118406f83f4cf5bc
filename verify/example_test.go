package verify_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"gatehouse/verify"
)

func Example() {
	v, err := verify.New(verify.Config{Issuer: "https://id.example.com", Audience: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer v.Close()

	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, _ := verify.FromContext(r.Context())
		fmt.Fprintln(w, "hello", claims.Subject)
	})
	mux := http.NewServeMux()
	mux.Handle("/hello", v.Require(hello))
	mux.Handle("/edit", v.Require(hello, verify.Role("editor")))

	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/hello", nil))
	fmt.Println(answer.Code, answer.Header().Get("WWW-Authenticate"))
	// Output: 401 Bearer
}

func ExampleVerifier_Check() {
	v, err := verify.New(verify.Config{Issuer: "https://id.example.com", Audience: "shop"})
	if err != nil {
		fmt.Println(err)
		return
	}
	v.Close() // what cannot be verified is refused

	_, err = v.Check(context.Background(), "some token")
	fmt.Println(errors.Is(err, verify.ErrUnavailable))
	// Output: true
}
