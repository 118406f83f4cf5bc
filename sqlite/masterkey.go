package sqlite

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"gatehouse/model"
)

// masterKeyFile is the name of the key file, beside the database.
const masterKeyFile = "master.key"

// MasterKey returns the key in the file master.key beside the database, and
// makes it first where there is neither a key nor anything sealed with one. Of
// several processes that make it at once, all return the same. A file that
// other accounts may use, or that holds anything but a key, is refused with a
// sentence that says how to mend it.
func (s *Store) MasterKey(ctx context.Context) (model.MasterKey, error) {
	path := filepath.Join(filepath.Dir(s.path), masterKeyFile)
	key, err := readMasterKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, wrapKey(err)
	}
	sealed, err := s.SigningKeys(ctx)
	if err != nil {
		return model.MasterKey{}, err
	}
	if len(sealed) > 0 {
		// It may have been made since it was looked for.
		if key, err = readMasterKey(path); errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%s is missing, but the database holds keys that were sealed with it; restore it from a backup", path)
		}
		return key, wrapKey(err)
	}
	if err := makeMasterKey(path); err != nil {
		return model.MasterKey{}, wrapKey(err)
	}
	key, err = readMasterKey(path)
	return key, wrapKey(err)
}

func wrapKey(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("sqlite: master key: %w", err)
}

func readMasterKey(path string) (model.MasterKey, error) {
	if err := checkPrivate(path); err != nil {
		return model.MasterKey{}, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return model.MasterKey{}, err
	}
	// One line and nothing else: the decoder of base64 passes over line ends.
	line, _ := strings.CutSuffix(string(text), "\n")
	if strings.ContainsAny(line, "\r\n") {
		return model.MasterKey{}, fmt.Errorf("%s is damaged (it has more than one line); restore it from a backup", path)
	}
	key, err := model.ParseMasterKey(line)
	if err != nil {
		return model.MasterKey{}, fmt.Errorf("%s is damaged (%w); restore it from a backup", path, err)
	}
	return key, nil
}

// makeMasterKey writes a new key and gives it its name only when it is whole and
// on the disk. A key that has the name already stays.
func makeMasterKey(path string) (err error) {
	var key model.MasterKey
	_, _ = rand.Read(key[:]) // crypto/rand.Read never fails; it ends the program instead
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, masterKeyFile+".new-") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	_, err = file.WriteString(key.Encode() + "\n")
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
