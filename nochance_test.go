package gatehouse

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"gatehouse/model"
)

// withoutChance names what a process of its own makes while the system has no
// chance to give.
const withoutChance = "GATEHOUSE_TEST_WITHOUT_CHANCE"

type noChance struct{}

func (noChance) Read([]byte) (int, error) { return 0, errors.New("there is none") }

// TestNothingSecretIsMadeWithoutChance runs this test binary once more for each kind
// of secret: it must end rather than hand one out.
func TestNothingSecretIsMadeWithoutChance(t *testing.T) {
	makes := map[string]func() any{
		"a_session_token":  func() any { return string(newSecret[model.SessionToken]("")) },
		"digits_of_a_mail": func() any { return newDigits() },
		"a_sealed_record":  func() any { return string(testSealer(t, 1).encrypt([]byte("x"), "y")) },
		"an_id":            func() any { return model.NewID[model.User]() },
	}
	if what := os.Getenv(withoutChance); what != "" {
		fmt.Println("MADE before:", makes[what]())
		rand.Reader = noChance{}
		fmt.Println("MADE after:", makes[what]())
		return
	}
	for what := range makes {
		t.Run("KY-08_"+what, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestNothingSecretIsMadeWithoutChance$")
			cmd.Env = append(os.Environ(), withoutChance+"="+what)
			said, err := cmd.CombinedOutput()
			var ended *exec.ExitError
			if !errors.As(err, &ended) || !strings.Contains(string(said), "MADE before: ") || strings.Contains(string(said), "MADE after: ") {
				t.Errorf("the process ended with %v and said %.400s", err, said)
			}
		})
	}
}
