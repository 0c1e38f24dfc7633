package emulatortest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// curl is one call of curl: the request, and how much of the reply is printed.
type curl struct {
	request *http.Request
	body    string
	verb    string // of -X, which goes before all
	head    bool   // of -i
	quiet   bool   // of -o /dev/null
}

func parseCurl(args []string) (*curl, error) {
	c := &curl{request: &http.Request{
		Method: http.MethodGet,
		Header: http.Header{"User-Agent": {"curl/7.88.1"}, "Accept": {"*/*"}},
	}}
	for len(args) > 0 {
		taken, err := c.take(args)
		if err != nil {
			return nil, err
		}
		args = args[taken:]
	}
	if c.request.URL == nil {
		return nil, errors.New("curl without a URL")
	}
	if c.body != "" {
		c.request.Body, c.request.ContentLength = io.NopCloser(strings.NewReader(c.body)), int64(len(c.body))
	}
	if c.verb != "" {
		c.request.Method = c.verb
	}
	return c, nil
}

// take takes what args begin with, and returns how many words that is.
func (c *curl) take(args []string) (int, error) {
	switch option := args[0]; option {
	case "-s", "-sS":
		return 1, nil
	case "-i":
		c.head = true
		return 1, nil
	case "-o", "-X", "-H", "-u", "-d", "--json":
		if len(args) == 1 {
			return 0, fmt.Errorf("curl %s without a value", option)
		}
		return 2, c.set(option, args[1])
	default:
		if strings.HasPrefix(option, "-") {
			return 0, fmt.Errorf("this curl has no option %s", option)
		}
		u, err := url.Parse(option)
		if err != nil {
			return 0, err
		}
		c.request.URL, c.request.Host = u, u.Host
		return 1, nil
	}
}

func (c *curl) set(option, value string) error {
	switch option {
	case "-o":
		if value != "/dev/null" {
			return fmt.Errorf("this curl writes no file %s", value)
		}
		c.quiet = true
	case "-X":
		c.verb = value
	case "-H":
		name, v, _ := strings.Cut(value, ": ")
		c.request.Header.Set(name, v)
	case "-u":
		name, password, _ := strings.Cut(value, ":")
		c.request.SetBasicAuth(name, password)
	case "-d":
		c.post("application/x-www-form-urlencoded")
		c.body = strings.TrimPrefix(c.body+"&"+value, "&")
	case "--json":
		c.post("application/json")
		c.request.Header.Set("Accept", "application/json")
		c.body = value
	}
	return nil
}

func (c *curl) post(contentType string) {
	c.request.Method = http.MethodPost
	c.request.Header.Set("Content-Type", contentType)
}

var date = regexp.MustCompile(`(?m)^Date: .*$`)

// do makes the request at addr and returns what curl prints. With -i that is
// every byte of the reply as it came, but for its date.
func (c *curl) do(ctx context.Context, addr string) (string, error) {
	head, body, err := c.exchange(ctx, addr)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && head == "":
		return "curl: (52) Empty reply from server\n", nil
	case err != nil:
		return "", err
	case c.quiet:
		return "", nil
	case c.head:
		head = strings.ReplaceAll(head, "\r\n", "\n")
		return date.ReplaceAllString(head, "Date: Fri, 20 Nov 2026 08:00:00 GMT") + body, nil
	default:
		return body, nil
	}
}

// exchange returns the head of the reply as it came, and the body. The request
// is written by hand, since a client would drop the spelling of headers.
func (c *curl) exchange(ctx context.Context, addr string) (head, body string, err error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return "", "", err
	}
	defer func() { _ = conn.Close() }()
	if err := c.request.Write(conn); err != nil {
		return "", "", err
	}
	var raw bytes.Buffer
	resp, err := http.ReadResponse(bufio.NewReader(io.TeeReader(conn, &raw)), c.request)
	if err != nil {
		return raw.String(), "", err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	head, _, _ = strings.Cut(raw.String(), "\r\n\r\n")
	return head + "\r\n\r\n", string(text), err
}
