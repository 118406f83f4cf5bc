package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"

	"gatehouse/model"
)

const (
	createSigningKey = `INSERT INTO signing_keys (algorithm, generation, key_id, sealed, created_at, active_from)
		SELECT $1, $2, $3, $4, $5, $6
		WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE algorithm = $1 AND generation >= $2)
		ON CONFLICT (algorithm, generation) DO NOTHING`
	// lockSigningKeys lets those who make keys follow one another where writers run
	// side by side. Each sees then what the one before has made and forgotten.
	lockSigningKeys = `SELECT 1 FROM signing_keys WHERE algorithm = $1 ORDER BY generation FOR UPDATE`

	forgetSigningKey = `DELETE FROM signing_keys WHERE key_id = $1`
	signingKeys      = `SELECT algorithm, generation, key_id, sealed, created_at, active_from FROM signing_keys`
	resealSigningKey = `UPDATE signing_keys SET sealed = $3 WHERE key_id = $1 AND sealed = $2`

	// keysVersion is model.KeysVersionOf in SQL, one value of a statement.
	keysVersion     = `(SELECT CAST(COALESCE(SUM(created_at + active_from + generation), 0) AS BIGINT) FROM signing_keys)`
	keysVersionOnly = `SELECT ` + keysVersion
)

// CreateSigningKey adds a key unless the algorithm has one of that generation or
// of a later one.
func (r *records) CreateSigningKey(ctx context.Context, key model.SigningKey) (added bool, err error) {
	err = r.writeAll(ctx, "create signing key", func(q Runner) error {
		if r.dialect.LocksRows {
			if _, err := exec(ctx, q, lockSigningKeys, key.Algorithm); err != nil {
				return err
			}
		}
		n, err := exec(ctx, q, createSigningKey, key.Algorithm, key.Generation, key.KeyID, key.Sealed,
			micros(key.CreatedAt), micros(key.ActiveFrom))
		added = n == 1
		return err
	})
	return added && err == nil, err
}

// SigningKeys returns all keys by algorithm and generation.
func (r *records) SigningKeys(ctx context.Context) (keys []model.SigningKey, err error) {
	err = r.read(ctx, "signing keys", func(q Runner) error {
		return each(ctx, q, signingKeys, nil, func(rows *sql.Rows) error {
			var key model.SigningKey
			if err := rows.Scan(&key.Algorithm, &key.Generation, &key.KeyID, &key.Sealed,
				(*moment)(&key.CreatedAt), (*moment)(&key.ActiveFrom)); err != nil {
				return err
			}
			keys = append(keys, key)
			return nil
		})
	})
	// Sorted here, byte for byte, because a database sorts text by its collation.
	slices.SortFunc(keys, func(a, b model.SigningKey) int {
		return cmp.Or(cmp.Compare(a.Algorithm, b.Algorithm), cmp.Compare(a.Generation, b.Generation))
	})
	return keys, err
}

// ForgetSigningKey removes a key.
func (r *records) ForgetSigningKey(ctx context.Context, keyID string) (removed bool, err error) {
	err = r.write(ctx, "forget signing key", func(q Runner) error {
		n, err := exec(ctx, q, forgetSigningKey, keyID)
		removed = n == 1
		return err
	})
	return removed && err == nil, err
}

// ResealSigningKey replaces what is sealed, if it still is what was opened.
func (r *records) ResealSigningKey(ctx context.Context, keyID string, old, new []byte) (changed bool, err error) {
	err = r.write(ctx, "reseal signing key", func(q Runner) error {
		n, err := exec(ctx, q, resealSigningKey, keyID, old, new)
		changed = n == 1
		if eraser, ok := q.(Eraser); ok && changed {
			eraser.Erased()
		}
		return err
	})
	return changed && err == nil, err
}

// KeysVersion tells whether the keys changed.
func (r *records) KeysVersion(ctx context.Context) (version model.KeysVersion, err error) {
	err = r.read(ctx, "version of the signing keys", func(q Runner) error {
		return row(ctx, q, keysVersionOnly, nil, (*int64)(&version))
	})
	return version, err
}
