package main

import (
	"fmt"
	"slices"
	"strings"

	"gatehouse/model"
)

// readPeppers reads the file of peppers, if there is one. None is made by itself:
// without its copy nobody can log in any more, so it has to be somebody's wish.
func readPeppers(cfg config) ([]model.Pepper, error) {
	if cfg.pepperFile == "" {
		return nil, nil
	}
	content, err := readSecretFile(cfg.pepperFile)
	if err != nil {
		return nil, fmt.Errorf("--pepper-file: %w", err)
	}
	peppers, err := model.ParsePeppers(string(content))
	if err != nil {
		return nil, fmt.Errorf("--pepper-file: %s: %w", cfg.pepperFile, err)
	}
	return peppers, nil
}

// lookAtPeppers says which keys hashes were made with, and which of the others can
// go. That none is missing was seen when the store was opened.
func lookAtPeppers(cfg config, used []string) []finding {
	peppers, err := readPeppers(cfg)
	if err != nil {
		return []finding{fail("pepper", "%v", err)}
	}
	if len(peppers) == 0 {
		return nil
	}
	carried := "no hash carries one so far"
	if len(used) > 0 {
		carried = "hashes carry " + strings.Join(used, ", ")
	}
	found := []finding{fine("pepper", "new hashes carry %s, %s; keep a copy of %s apart from the database", peppers[0].ID, carried, cfg.pepperFile)}
	for _, former := range peppers[1:] {
		if !slices.Contains(used, former.ID) {
			found = append(found, fine("pepper", "no hash carries %s; its line in %s can go, unless it is to be the next first", former.ID, cfg.pepperFile))
		}
	}
	return found
}
