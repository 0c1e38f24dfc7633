package outbound

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha1" // older senders sign with it; in an HMAC its collisions do no harm
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/net/http/httpguts"

	"github.com/wendflow/wend/runtime/data"
)

// signature checks what is signed with a key that is shared, or with the private
// one of a pair. All schemes of senders are settings of it.
type signature struct {
	macKeys    [][]byte // any may fit, so that keys can be changed one side at a time
	hash       func() hash.Hash
	publicKeys []ed25519.PublicKey // instead of macKeys and hash

	header, prefix  string
	separator       string // between several signatures
	encoding        string
	signed          []part
	timestampHeader string
	timestampPrefix string // of the time, which stands among the signatures
	idHeader        string
	tolerance       time.Duration
	publicURL       string
}

const defaultTolerance = 5 * time.Minute

// signatureSettings are those of every type that checks signatures.
var signatureSettings = []string{
	"scheme", "header", "prefix", "separator", "encoding", "signed",
	"timestampHeader", "timestampPrefix", "idHeader", "tolerance", "publicURL",
}

// hmacSettings are those that keys of two parties have beside them.
var hmacSettings = []string{"algorithm", "keyEncoding", "keyPrefix"}

func makeHMAC(m *maker) proof {
	m.takeScheme()
	algorithm := m.oneOf("algorithm", "sha256", "sha1", "sha512")
	s := m.signature()
	m.checkAlgorithm(s.prefix, algorithm)
	s.hash = hashes[algorithm]
	encoding, prefix := m.oneOf("keyEncoding", "text", "base64", "hex"), m.text("keyPrefix", "")
	for _, name := range slices.Sorted(maps.Keys(m.secrets)) {
		if name == handshakeToken {
			continue
		}
		key, err := decodeKey(encoding, strings.TrimPrefix(string(m.secrets[name]), prefix))
		switch {
		case err != nil:
			m.errorf("secrets."+name, "secret %q: expected a key in %s, as settings.keyEncoding says", name, encoding)
		case len(key) == 0:
			m.errorf("secrets."+name, "secret %q: holds no key", name)
		default:
			s.macKeys = append(s.macKeys, key)
		}
	}
	if _, given := m.Secrets[handshakeToken]; given && len(m.Secrets) == 1 {
		m.errorf("secrets", "type %q needs a key beside %q, which signs nothing", m.Type, handshakeToken)
	}
	return proof{verifier: s, tokens: m.someSecrets(handshakeToken)}
}

func makeEd25519(m *maker) proof {
	m.takeScheme()
	s := m.signature()
	for i, text := range m.list("publicKeys") {
		key, err := parsePublicKey(text)
		if err != nil {
			m.errorf(fmt.Sprintf("settings.publicKeys[%d]", i), "settings.publicKeys: %q: %s", text, err)
		}
		s.publicKeys = append(s.publicKeys, key)
	}
	if len(s.publicKeys) == 0 && !slices.Contains(m.empty, "publicKeys") {
		m.errorf("settings", "type %q needs settings.publicKeys: the key by which the sender lets its signatures be checked", m.Type)
	}
	return proof{verifier: s}
}

// parsePublicKey reads a key in hex, or in base64 as Standard Webhooks writes it.
func parsePublicKey(text string) (ed25519.PublicKey, error) {
	key, err := hex.DecodeString(text)
	if err != nil {
		key, err = decodeBase64(strings.TrimPrefix(text, "whpk_"))
	}
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("expected the %d bytes of a key in hex or base64", ed25519.PublicKeySize)
	}
	return key, nil
}

// handshakeToken is the secret of an hmac connection that is no key.
const handshakeToken = "verifyToken"

var hashes = map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}

var decoders = map[string]func(string) ([]byte, error){
	"hex":       hex.DecodeString,
	"base64":    base64.StdEncoding.DecodeString,
	"base64url": func(s string) ([]byte, error) { return base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "=")) },
}

var encoders = map[string]func([]byte) string{
	"hex": hex.EncodeToString, "base64": base64.StdEncoding.EncodeToString, "base64url": base64.RawURLEncoding.EncodeToString,
}

func decodeKey(encoding, text string) ([]byte, error) {
	switch encoding {
	case "base64":
		return decodeBase64(text)
	case "hex":
		return hex.DecodeString(text)
	default:
		return []byte(text), nil
	}
}

// decodeBase64 takes keys without the = at the end, too: the libraries of one
// language write them so, and those of another do not read them.
func decodeBase64(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// signature reads the settings that every type of signatures has.
func (m *maker) signature() signature {
	s := signature{
		header:          m.headerName("header", "X-Signature"),
		separator:       cmp.Or(separators[m.oneOf("separator", "comma", "blank")], ","),
		encoding:        m.oneOf("encoding", "hex", "base64", "base64url"),
		timestampPrefix: m.text("timestampPrefix", ""),
		tolerance:       m.duration("tolerance"),
		publicURL:       m.publicURL(),
	}
	s.prefix = m.signaturePrefix(s.separator)
	switch {
	case s.timestampPrefix != "" && m.Settings["timestampHeader"] != nil:
		m.errorf("settings.timestampPrefix", "settings.timestampPrefix: the time is among the signatures, or in settings.timestampHeader: expected one of them")
	case s.timestampPrefix != "":
	case m.Settings["timestampHeader"] != nil || s.tolerance > 0:
		s.timestampHeader = m.otherHeader("timestampHeader", "X-Timestamp", s.header)
	}
	if m.Settings["idHeader"] != nil {
		s.idHeader = m.otherHeader("idHeader", "", s.header)
	}
	s.signed = m.signedText(s)
	if s.tolerance == 0 {
		s.tolerance = defaultTolerance
	}
	return s
}

var separators = map[string]string{"comma": ",", "blank": " "}

// otherHeader reads a setting that names a header beside that of the signature.
func (m *maker) otherHeader(setting, fallback, signature string) string {
	name := m.headerName(setting, fallback)
	if name == signature {
		m.errorf("settings."+setting, "settings.%s: header %q holds the signature", setting, name)
	}
	return name
}

// publicURL reads where senders see us.
func (m *maker) publicURL() string {
	text := m.text("publicURL", "")
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		m.errorf("settings.publicURL", "settings.publicURL: expected where the sender calls us, up to /hooks, such as https://hooks.example.com")
	}
	return strings.TrimRight(text, "/")
}

// valuePrefix reads what a header's value begins with, and reports what no
// value can: blanks around values are taken off on the way.
func (m *maker) valuePrefix() string {
	prefix := m.text("prefix", "")
	switch {
	case strings.TrimLeft(prefix, " \t") != prefix:
		m.errorf("settings.prefix", "settings.prefix: %q can never match, since a header's value begins with no blank", prefix)
	case !httpguts.ValidHeaderFieldValue(prefix):
		m.errorf("settings.prefix", "settings.prefix: %q can never match, since a header's value holds no control characters", prefix)
	}
	return prefix
}

// signaturePrefix reports a prefix, too, that no signature has.
func (m *maker) signaturePrefix(separator string) string {
	prefix := m.valuePrefix()
	if strings.Contains(prefix, separator) {
		m.errorf("settings.prefix", "settings.prefix: %q can never match, since %s stand between signatures",
			prefix, map[string]string{",": "commas", " ": "blanks"}[separator])
	}
	return prefix
}

// checkAlgorithm reports a prefix that names another algorithm.
func (m *maker) checkAlgorithm(prefix, algorithm string) {
	named := strings.ToLower(strings.Trim(strings.ReplaceAll(prefix, "sha-", "sha"), " =:-_"))
	if hashes[named] != nil && hashes[algorithm] != nil && named != algorithm {
		m.errorf("settings.prefix", "settings.prefix: %q can never match: it names %s, and settings.algorithm is %s", prefix, named, algorithm)
	}
}

// part is a piece of what is signed: a text, or something of the request.
type part struct{ text, name string }

// placeholder is what stands in braces or looks like a template.
var placeholder = regexp.MustCompile(`\{[^{}]*\}|\$\([^()]*\)`)

// What {words} stand for in what is signed: the raw body, the fields of a form
// in their order, the address that was called, the time of signing and the id of
// the message, these as they came.
const (
	partBody = "{body}"
	partForm = "{form}"
	partURL  = "{url}"
	partTime = "{timestamp}"
	partID   = "{id}"
)

// signedText reads what is signed, and holds it against the other settings: what
// is read and not signed proves nothing.
func (m *maker) signedText(s signature) []part {
	stamped := s.timestampHeader != "" || s.timestampPrefix != ""
	fallback := partBody
	if stamped {
		fallback = partTime + "." + fallback
	}
	if s.idHeader != "" {
		fallback = partID + "." + fallback
	}
	text := m.text("signed", fallback)
	known := []string{partBody, partForm, partID, partTime, partURL}
	for _, word := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(known, word) {
			m.errs = append(m.errs, &FieldError{
				Connection: m.Name, Field: "settings.signed",
				Msg: "settings.signed: no such placeholder as " + strconv.Quote(word), Word: word, Known: known,
			})
			return nil
		}
	}
	has := func(word string) bool { return strings.Contains(text, word) }
	switch {
	case strings.Count(text, partBody)+strings.Count(text, partForm) != 1:
		m.errorf("settings.signed", "settings.signed: expected {body} in it, once")
	case stamped && !has(partTime):
		m.errorf("settings.signed", "settings.signed: expected {timestamp} in it; a time that is not signed proves nothing")
	case !stamped && has(partTime):
		m.errorf("settings.signed", "settings.signed: {timestamp} needs settings.timestampHeader or settings.timestampPrefix")
	case s.idHeader != "" && !has(partID):
		m.errorf("settings.signed", "settings.signed: expected {id} in it; an id that is not signed proves nothing")
	case s.idHeader == "" && has(partID):
		m.errorf("settings.signed", "settings.signed: {id} needs settings.idHeader")
	case has(partForm) && !has(partURL):
		m.errorf("settings.signed", "settings.signed: {form} needs {url} beside it, in which other bodies have their digest")
	case has(partURL) && s.publicURL == "":
		m.errorf("settings", "the sender signs the address that it calls: say settings.publicURL, such as https://hooks.example.com")
	case !has(partURL) && s.publicURL != "":
		m.errorf("settings.publicURL", "settings.publicURL: no address is signed, so it means nothing here")
	case strings.ContainsAny(placeholder.ReplaceAllString(text, ""), "{}"):
		m.errorf("settings.signed", "settings.signed: a brace without its other half")
	}
	return partsOf(text)
}

func partsOf(text string) []part {
	var parts []part
	for text != "" {
		at := placeholder.FindStringIndex(text)
		if at == nil {
			return append(parts, part{text: text})
		}
		if at[0] > 0 {
			parts = append(parts, part{text: text[:at[0]]})
		}
		parts = append(parts, part{name: text[at[0]:at[1]]})
		text = text[at[1]:]
	}
	return parts
}

func (s signature) verify(_ context.Context, in Incoming, now time.Time) (Proven, error) {
	given := s.values(in.Header)
	if len(given) == 0 {
		return Proven{}, fmt.Errorf("header %q with the signature is missing", s.header)
	}
	stamp, at, err := s.time(in.Header, given, now)
	if err != nil {
		return Proven{}, err
	}
	id, err := s.id(in.Header)
	if err != nil {
		return Proven{}, err
	}
	candidates, err := s.candidates(given)
	if err != nil {
		return Proven{}, err
	}
	message, err := s.message(in, stamp, id)
	if err != nil {
		return Proven{}, err
	}
	if !s.matches(candidates, message) {
		return Proven{}, fmt.Errorf("header %q: the signature does not fit the body", s.header)
	}
	proven := Proven{ID: id}
	if stamp != "" {
		// Of the message and not of the signature, which may be spelt in many ways, or be
		// by another key.
		proven.Mark, proven.Until = sha256.Sum256(message), at.Add(s.tolerance)
	}
	return proven, nil
}

func (s signature) proof() (header, scheme string) { return s.header, "Signature" }

// values are what stands between separators in the header of the signature.
func (s signature) values(header http.Header) []string {
	given := header.Values(s.header)
	if len(given) == 0 {
		return nil
	}
	values := strings.Split(strings.Join(given, s.separator), s.separator)
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

// mostCandidates bounds how many signatures are tried: with a public key each
// costs as much as a signature.
const mostCandidates = 16

// candidates decodes the signatures; a sender that changes its key may give
// several.
func (s signature) candidates(given []string) ([][]byte, error) {
	var candidates [][]byte
	for _, text := range given {
		text, ok := strings.CutPrefix(text, s.prefix)
		if !ok {
			continue
		}
		if mac, err := decoders[s.encoding](text); err == nil {
			candidates = append(candidates, mac)
		}
	}
	switch {
	case len(candidates) == 0:
		return nil, fmt.Errorf("header %q: expected %q and a signature in %s", s.header, s.prefix, s.encoding)
	case len(candidates) > mostCandidates:
		return nil, fmt.Errorf("header %q: %d signatures, expected %d at most", s.header, len(candidates), mostCandidates)
	}
	return candidates, nil
}

func (s signature) matches(candidates [][]byte, message []byte) bool {
	fits := false
	for _, key := range s.macKeys {
		want := s.mac(key, message)
		for _, candidate := range candidates {
			fits = hmac.Equal(want, candidate) || fits
		}
	}
	for _, key := range s.publicKeys {
		for _, candidate := range candidates {
			fits = ed25519.Verify(key, message, candidate) || fits
		}
	}
	return fits
}

func (s signature) mac(key, message []byte) []byte {
	mac := hmac.New(s.hash, key)
	mac.Write(message)
	return mac.Sum(nil)
}

// message is what was signed.
func (s signature) message(in Incoming, stamp, id string) ([]byte, error) {
	message := make([]byte, 0, len(in.Body)+256)
	for _, p := range s.signed {
		switch p.name {
		case "":
			message = append(message, p.text...)
		case partBody:
			message = append(message, in.Body...)
		case partTime:
			message = append(message, stamp...)
		case partID:
			message = append(message, id...)
		case partURL:
			message = append(append(message, s.publicURL...), in.Target...)
		case partForm:
			fields, err := signedForm(in)
			if err != nil {
				return nil, err
			}
			message = append(message, fields...)
		}
	}
	return message, nil
}

// bodyDigest is the parameter of an address by which its signature is one of the
// body as well.
const bodyDigest = "bodySHA256"

// signedForm are the fields of a form, names before values, in the order of their
// names. Of another body it is nothing: then the address must have its digest.
func signedForm(in Incoming) (string, error) {
	if data.IsForm(in.Header.Get("Content-Type")) {
		fields, err := url.ParseQuery(string(in.Body))
		if err != nil {
			return "", errors.New("the body cannot be read as the form that is signed")
		}
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			slices.Sort(fields[name])
			for _, v := range slices.Compact(fields[name]) {
				b.WriteString(name)
				b.WriteString(v)
			}
		}
		return b.String(), nil
	}
	if len(in.Body) == 0 {
		return "", nil
	}
	_, query, _ := strings.Cut(in.Target, "?")
	params, _ := url.ParseQuery(query) // what cannot be read is not there
	digest := sha256.Sum256(in.Body)
	if subtle.ConstantTimeCompare([]byte(hex.EncodeToString(digest[:])), []byte(strings.ToLower(params.Get(bodyDigest)))) != 1 {
		return "", fmt.Errorf("the body is no form, and query parameter %q is not its digest: take forms, or have it in the address", bodyDigest)
	}
	return "", nil
}

func (s signature) sign(in Incoming, now time.Time) (map[string]string, error) {
	if len(s.macKeys) == 0 {
		return nil, fmt.Errorf("%w: here is only its public key", ErrUnsignable)
	}
	headers := map[string]string{}
	var stamp, id, before string
	if s.timestampHeader != "" || s.timestampPrefix != "" {
		stamp = strconv.FormatInt(now.Unix(), 10)
	}
	if s.timestampHeader != "" {
		headers[s.timestampHeader] = stamp
	}
	if s.timestampPrefix != "" {
		before = s.timestampPrefix + stamp + s.separator
	}
	if s.idHeader != "" {
		id = uuid.NewString()
		headers[s.idHeader] = id
	}
	message, err := s.message(in, stamp, id)
	if err != nil {
		return nil, err
	}
	headers[s.header] = before + s.prefix + encoders[s.encoding](s.mac(s.macKeys[0], message))
	return headers, nil
}

// id returns what the sender calls its message.
func (s signature) id(header http.Header) (string, error) {
	if s.idHeader == "" {
		return "", nil
	}
	id := header.Get(s.idHeader)
	if id == "" {
		return "", fmt.Errorf("header %q with the id of the message is missing", s.idHeader)
	}
	return id, nil
}

// time returns the time of signing, also as it was signed; "" if there is none.
func (s signature) time(header http.Header, given []string, now time.Time) (stamp string, at time.Time, err error) {
	name := s.timestampHeader
	switch {
	case name != "":
		stamp = header.Get(name)
	case s.timestampPrefix != "":
		name = s.header
		for _, text := range given {
			text, ok := strings.CutPrefix(text, s.timestampPrefix)
			if ok && stamp != "" {
				return "", at, fmt.Errorf("header %q: expected the time of signing once, after %q", name, s.timestampPrefix)
			}
			if ok {
				stamp = text
			}
		}
	default:
		return "", at, nil
	}
	if stamp == "" {
		return "", at, fmt.Errorf("header %q with the time of signing is missing", name)
	}
	if at, err = parseStamp(stamp); err != nil {
		return "", at, fmt.Errorf("header %q: %w", name, err)
	}
	if age := now.Sub(at); age.Abs() > s.tolerance {
		return "", at, fmt.Errorf("header %q is %s off, and %s is tolerated", name, age.Abs().Round(time.Second), s.tolerance)
	}
	return stamp, at, nil
}

// parseStamp reads Unix time in seconds or milliseconds, or RFC 3339.
func parseStamp(text string) (time.Time, error) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n > 1e11 { // seconds would be in the year 5138
			return time.UnixMilli(n), nil
		}
		return time.Unix(n, 0), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Time{}, errors.New("expected Unix time or RFC 3339")
}
