#!/usr/bin/env bash
# JWKS: one key of a type that a library does not know makes it refuse all the others.
#
# Versions:  github.com/MicahParks/keyfunc/v3 v3.9.1, github.com/lestrrat-go/jwx/v3 v3.4.0
# Expected:  RFC 7517, 5: keys with a "kty" that is not understood should be ignored, so that an
#            issuer can add one of a new type ("AKP" is that of ML-DSA) beside the old.
# Behaviour: both refuse the whole set unless told otherwise; so every token of that issuer fails.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
)

func main() {
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		panic(err)
	}
	known := fmt.Sprintf(`{"kty":"OKP","crv":"Ed25519","kid":"1","x":%q}`, base64.RawURLEncoding.EncodeToString(public))
	for _, set := range []string{`{"keys":[` + known + `]}`, `{"keys":[` + known + `,{"kty":"AKP","alg":"ML-DSA-44","kid":"2","pub":"AAAA"}]}`} {
		_, err := keyfunc.NewJWKSetJSON(json.RawMessage(set))
		fmt.Println("keyfunc takes it:", err == nil)
		_, err = jwk.Parse([]byte(set))
		fmt.Println("jwx takes it:", err == nil)
	}
	lenient, err := jwk.Parse([]byte(`{"keys":[`+known+`,{"kty":"AKP","kid":"2"}]}`), jwk.WithIgnoreParseError(true))
	fmt.Println("jwx, if told:", lenient.Len(), err)
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/MicahParks/keyfunc/v3@v3.9.1 github.com/lestrrat-go/jwx/v3/jwk@v3.4.0
go run . | tee seen
diff - seen <<'EOF'
keyfunc takes it: true
jwx takes it: true
keyfunc takes it: false
jwx takes it: false
jwx, if told: 1 <nil>
EOF
