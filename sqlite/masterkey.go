package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"gatehouse/model"
)

// masterKeyFile is the name of the key file, beside the database.
const masterKeyFile = "master.key"

// maxKeyFileBytes is far above eight lines of a key each.
const maxKeyFileBytes = 4 << 10

// MasterKeys returns the keys in the file master.key beside the database, and
// makes one where there is neither a key nor anything sealed with one. Of several
// processes that make it at once, all return the same. A file that other accounts
// may use or that belongs to one, or that holds anything but keys, is refused with
// a sentence that says how to mend it.
func (s *Store) MasterKeys(ctx context.Context) (model.MasterKeys, error) {
	path := filepath.Join(filepath.Dir(s.path), masterKeyFile)
	keys, err := readMasterKeys(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return keys, wrapKey(err)
	}
	sealed, err := s.SigningKeys(ctx)
	if err != nil {
		return model.MasterKeys{}, err
	}
	if len(sealed) > 0 {
		// It may have been made since it was looked for.
		if keys, err = readMasterKeys(path); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is missing, but the database holds keys that were sealed with it; restore it from a backup", path)
		}
		return keys, wrapKey(err)
	}
	if err := makeMasterKey(path); err != nil {
		return model.MasterKeys{}, wrapKey(err)
	}
	keys, err = readMasterKeys(path)
	return keys, wrapKey(err)
}

func wrapKey(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlite: master key: %w", err)
}

func readMasterKeys(path string) (model.MasterKeys, error) {
	file, err := os.Open(path)
	if err != nil {
		return model.MasterKeys{}, err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat() // of what is read, whatever has the name by now
	if err != nil {
		return model.MasterKeys{}, err
	}
	if err := checkPrivate(path, info); err != nil {
		return model.MasterKeys{}, err
	}
	switch {
	case !ownedBy(info, os.Geteuid()):
		return model.MasterKeys{}, fmt.Errorf("%s belongs to another account; run this as that account, or change the owner with chown", path)
	case info.Size() > maxKeyFileBytes:
		return model.MasterKeys{}, fmt.Errorf("%s is too large to hold master keys alone", path)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return model.MasterKeys{}, err
	}
	keys, err := model.ParseMasterKeys(string(text))
	if err != nil {
		return model.MasterKeys{}, fmt.Errorf("%s is damaged (%w); restore it from a backup", path, err)
	}
	return keys, nil
}

// makeMasterKey writes a new key and gives it its name only when it is whole and
// on the disk. A key that has the name already stays.
func makeMasterKey(path string) (err error) {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, masterKeyFile+".new-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.WriteString(model.NewMasterKey().Encode() + "\n")
	err = errors.Join(err, file.Sync(), file.Close())
	if err != nil {
		return err
	}
	// A link, unlike a rename, never replaces what is there.
	if err := os.Link(file.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	// Not every system can sync a directory; the name is then as durable as it gets.
	_ = d.Sync()
	return d.Close()
}
