package main

import (
	"time"

	"gatehouse"
	"gatehouse/model"
)

// lookAtFormerKeys says for how long the former master keys are needed, by the
// dates that their lines carry.
func lookAtFormerKeys(cfg config, ids []string, keys []gatehouse.KeyInfo) []finding {
	path := masterKeyPath(cfg)
	kept, err := readMasterKeys(path)
	if err != nil || len(kept.Former) == 0 || len(ids) < 2 {
		return nil
	}
	if left := countUnderFormer(ids, keys); left > 0 {
		return []finding{warn("master key", "%s still under a former one; mend it with: gatehouse keys reseal --yes", count(left, "signing key"))}
	}
	until, served, undated := whenFormerKeysEnd(kept.Former, time.Now())
	var found []finding
	if undated > 0 {
		found = append(found, warn("master key", "%s in %s without the time at which it was replaced, so it is good for every session; write it behind the key, such as: KEY %s",
			count(undated, "former key"), path, time.Now().UTC().Format(time.RFC3339)))
	}
	if served > 0 {
		found = append(found, warn("master key", "%s in %s needed no more; remove the last lines", count(served, "former key"), path))
	}
	if left := len(kept.Former) - undated - served; left > 0 {
		found = append(found, fine("master key", "%s in %s, needed until %s", count(left, "former key"), path, until.UTC().Format(time.DateOnly)))
	}
	return found
}

// whenFormerKeysEnd returns when the last of the former keys is needed no more,
// how many are so already, and of how many it is not known.
func whenFormerKeysEnd(former []model.FormerMasterKey, now time.Time) (until time.Time, served, undated int) {
	for _, key := range former {
		end := key.ReplacedAt.Add(gatehouse.FormerKeyLifetime)
		switch {
		case key.ReplacedAt.IsZero():
			undated++
		case !now.Before(end):
			served++
		case end.After(until):
			until = end
		}
	}
	return until, served, undated
}
