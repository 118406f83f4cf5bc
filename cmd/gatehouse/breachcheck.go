package main

import (
	"gatehouse/breach"
	"gatehouse/model"
)

// breachConfig is the list of leaked passwords that is asked about new ones.
type breachConfig struct {
	checker         model.BreachChecker // nil where nobody is asked
	acceptUnchecked bool                // while the list does not answer
}

func parseBreachCheck(cfg *config, values map[string]setting) error {
	address, kind := values["breach-check-url"], values["breach-check"]
	if address.text != "" {
		checker, err := breach.New(address.text)
		if err != nil {
			// What was typed may hold a key, so it is not repeated.
			return address.wrong("it must be the https address of a list, as in https://api.pwnedpasswords.com/range/")
		}
		cfg.breach.checker = checker
	}
	switch kind.text {
	case "", "closed", "open":
	default:
		return kind.wrong("%q is neither closed nor open", kind.text)
	}
	if kind.text != "" && address.text == "" {
		return kind.wrong("it is only read with --breach-check-url")
	}
	cfg.breach.acceptUnchecked = kind.text == "open"
	return nil
}
