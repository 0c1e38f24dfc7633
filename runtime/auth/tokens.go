package auth

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wendflow/wend/runtime/infile"
)

// TokensFile is the file in a data folder that has the tokens.
const TokensFile = "tokens.json"

const mostTokens = 1 << 20 // bytes

// Tokens are those of a data folder, in a file that every process with the
// folder reads and no other user can. It has their hashes only. Once there is a
// file, also one with no token in it, tokens are demanded. It is safe for
// concurrent use.
type Tokens struct {
	file string
	log  *slog.Logger

	mu   sync.Mutex
	raw  []byte // what the file had when it was read last
	list []Token
	seen bool // it was looked for
	made bool // there is a file, or was

	said atomic.Pointer[string] // why it could not be read, as the log has it
}

// NewTokens returns the tokens of a folder, which need not be there yet. What
// changes in the file while it is read again and again is told to log.
func NewTokens(folder string, log *slog.Logger) *Tokens {
	return &Tokens{file: filepath.Join(folder, TokensFile), log: log}
}

// tokensDoc is what the file has.
type tokensDoc struct {
	Version int     `json:"version"`
	Tokens  []Token `json:"tokens"`
}

// List returns the tokens by their names, as the file has them now: what was
// revoked a moment ago is not among them. made says that tokens are demanded. A
// file that cannot be read lets nobody in.
func (t *Tokens) List() (list []Token, made bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	raw, err := infile.Read(t.file, mostTokens)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !t.made:
		t.seen = true
		return nil, false, nil
	case err == nil && t.raw != nil && bytes.Equal(raw, t.raw):
		return t.list, true, nil
	}
	var doc tokensDoc
	if err == nil {
		doc, err = readTokens(raw)
	}
	t.made = true
	if err != nil {
		return nil, true, fmt.Errorf("tokens in %q: %w", t.file, err)
	}
	if t.seen {
		t.tell(doc.Tokens)
	}
	t.raw, t.list, t.seen = raw, doc.Tokens, true
	return t.list, true, nil
}

// tell says for the audit what has changed in the file.
func (t *Tokens) tell(now []Token) {
	named := func(list []Token, name string) bool {
		return slices.ContainsFunc(list, func(one Token) bool { return one.Name == name })
	}
	for _, one := range now {
		if !slices.ContainsFunc(t.list, func(before Token) bool { return before.Digest == one.Digest }) {
			t.log.Info("audit", "action", "createToken", "token", one.Name, "scopes", listed(one.Scopes), "flows", one.Flows, "from", t.file)
		}
	}
	for _, one := range t.list {
		if !named(now, one.Name) {
			t.log.Info("audit", "action", "revokeToken", "token", one.Name, "from", t.file)
		}
	}
}

func readTokens(raw []byte) (doc tokensDoc, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return doc, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return doc, errors.New("there is more behind the end")
	}
	if doc.Version != 1 {
		return doc, fmt.Errorf("version %d: expected 1; a newer Wend may have written it", doc.Version)
	}
	for i, one := range doc.Tokens {
		if err := one.check(); err != nil {
			return doc, err
		}
		if slices.ContainsFunc(doc.Tokens[:i], func(other Token) bool { return other.Name == one.Name }) {
			return doc, fmt.Errorf("token %q is there twice", one.Name)
		}
	}
	return doc, nil
}

// Create puts a token on file and returns its text, which is nowhere else. Its
// Digest is made here.
func (t *Tokens) Create(one Token) (text string, err error) {
	text = newText()
	sum := sha256.Sum256([]byte(text))
	one.Digest = hex.EncodeToString(sum[:])
	if err := one.check(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(t.file), 0o700); err != nil {
		return "", fmt.Errorf("data folder: %w", err)
	}
	err = t.change(func(list []Token) ([]Token, error) {
		at, there := slices.BinarySearchFunc(list, one.Name, byName)
		if there {
			return nil, fmt.Errorf("there is a token %q already; revoke it first, or take another name", one.Name)
		}
		return slices.Insert(list, at, one), nil
	})
	return text, err
}

// ErrNoToken says that there is no token of that name.
var ErrNoToken = errors.New("no such token")

// Revoke takes a token off the file.
func (t *Tokens) Revoke(name string) error {
	if _, made, err := t.List(); err == nil && !made { // nor may there be a folder to write to
		return fmt.Errorf("token %q: %w", name, ErrNoToken)
	}
	return t.change(func(list []Token) ([]Token, error) {
		at, there := slices.BinarySearchFunc(list, name, byName)
		if !there {
			return nil, fmt.Errorf("token %q: %w", name, ErrNoToken)
		}
		return slices.Delete(list, at, at+1), nil
	})
}

func byName(t Token, name string) int { return bytes.Compare([]byte(t.Name), []byte(name)) }

// change writes the file anew. The new one is made under a name that only one
// process can make, so that no other's change is lost; readers see the old or the
// new.
func (t *Tokens) change(how func([]Token) ([]Token, error)) (err error) {
	fresh := t.file + ".new"
	f, err := os.OpenFile(fresh, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("tokens are being changed by another process; if there is none, it was interrupted: remove %q", fresh)
	case err != nil:
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(fresh))
		}
	}()
	list, _, err := t.List()
	if err == nil {
		list = slices.Clone(list)
		slices.SortFunc(list, func(a, b Token) int { return byName(a, b.Name) }) // somebody may have edited it
		list, err = how(list)
	}
	if err == nil {
		var raw []byte
		if list == nil {
			list = []Token{}
		}
		raw, err = json.MarshalIndent(tokensDoc{1, list}, "", "  ")
		if err == nil {
			_, err = f.Write(append(raw, '\n'))
		}
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(fresh, t.file); err != nil {
		return err
	}
	// Else a token that was revoked could be back after the power failed.
	if folder, err := os.Open(filepath.Dir(t.file)); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}

// good finds a token by the digest of its text. All are compared, and in
// constant time, so that nobody learns from how long it takes.
func (t *Tokens) good(digest []byte) (found *Token, made bool, err error) {
	list, made, err := t.List()
	t.complain(err)
	for i := range list {
		if want, err := hex.DecodeString(list[i].Digest); err == nil && same(digest, want) {
			found = &list[i]
		}
	}
	return found, made, err
}

// complain logs why the file cannot be read, once.
func (t *Tokens) complain(err error) {
	var why string
	if err != nil {
		why = err.Error()
	}
	if before := t.said.Swap(&why); err != nil && (before == nil || *before != why) {
		t.log.Error("the tokens cannot be read, so they are good for nothing", "error", err)
	}
}

// demanded tells whether there is a file with tokens, or was.
func (t *Tokens) demanded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.made {
		_, err := os.Lstat(t.file)
		t.made = !errors.Is(err, fs.ErrNotExist)
	}
	return t.made
}

// Audit writes the line that tells who changed something, or wanted to.
func Audit(ctx context.Context, log *slog.Logger, who *Identity, action, from string, status int, about ...slog.Attr) {
	attrs := append([]slog.Attr{
		slog.String("action", action), slog.String("by", who.Name), slog.String("from", from), slog.Int("status", status),
	}, about...)
	log.LogAttrs(ctx, slog.LevelInfo, "audit", attrs...)
}
