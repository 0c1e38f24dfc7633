#!/usr/bin/env bash
# Echo: whether a path parameter is decoded depends on what another parameter holds.
#
# Versions:  github.com/labstack/echo/v4 v4.16.0
# Expected:  c.Param("a") of /orders/x%20z/… is "x z", whatever stands after it.
# Behaviour: it is "x z", unless some other segment has %2F: then no parameter is decoded.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"fmt"
	"net/http/httptest"

	"github.com/labstack/echo/v4"
)

func main() {
	e := echo.New()
	e.GET("/orders/:a/:b", func(c echo.Context) error {
		fmt.Printf("%s  a=%q b=%q\n", c.Request().RequestURI, c.Param("a"), c.Param("b"))
		return nil
	})
	for _, path := range []string{"/orders/x%20z/b", "/orders/x%20z/b%2Fc", "/orders/100%25/b", "/orders/100%25/b%2Fc"} {
		e.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/labstack/echo/v4@v4.16.0
go run . | tee seen
diff - seen <<'EOF'
/orders/x%20z/b  a="x z" b="b"
/orders/x%20z/b%2Fc  a="x%20z" b="b%2Fc"
/orders/100%25/b  a="100%" b="b"
/orders/100%25/b%2Fc  a="100%25" b="b%2Fc"
EOF
