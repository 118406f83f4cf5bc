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
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (algorithm, generation) DO NOTHING`
	forgetSigningKey = `DELETE FROM signing_keys WHERE key_id = $1`
	signingKeys      = `SELECT algorithm, generation, key_id, sealed, created_at, active_from FROM signing_keys`
)

// CreateSigningKey adds a key unless the algorithm has one of that generation.
func (r *records) CreateSigningKey(ctx context.Context, key model.SigningKey) (added bool, err error) {
	err = r.write(ctx, "create signing key", func(q Runner) error {
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
