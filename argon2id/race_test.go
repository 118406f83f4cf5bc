//go:build race

package argon2id

const raceDetector = true
