#!/usr/bin/env bash
# oras-go and the registry of go-containerregistry: a signature is listed with another type than its own.
#
# Versions:  oras.land/oras-go/v2 v2.7.0, github.com/google/go-containerregistry v0.22.1
# Expected:  an in-process registry with referrers lists an artifact under its artifactType, and
#            answers a push with a subject by OCI-Subject, so that clients write no fallback tag.
# Behaviour: it lists the media type of the (empty) config instead, and sends no OCI-Subject: oras
#            writes the fallback tag, reads that, and is right. Whoever filters the API's list by
#            type finds nothing, so tests against this registry try the fallback only.
# Seen:      the lines at the end.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat >main.go <<'EOF'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
	oras "oras.land/oras-go/v2"
	"oras.land/oras-go/v2/registry/remote"
)

func main() {
	ctx := context.Background()
	srv := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	repo, err := remote.NewRepository(strings.TrimPrefix(srv.URL, "http://") + "/x")
	if err != nil {
		panic(err)
	}
	repo.PlainHTTP = true
	image, err := oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, "application/vnd.example.module", oras.PackManifestOptions{})
	if err != nil {
		panic(err)
	}
	if _, err = oras.PackManifest(ctx, repo, oras.PackManifestVersion1_1, "application/vnd.example.signature", oras.PackManifestOptions{Subject: &image}); err != nil {
		panic(err)
	}
	resp, err := http.Get(srv.URL + "/v2/x/referrers/" + image.Digest.String())
	if err != nil {
		panic(err)
	}
	var list struct{ Manifests []struct{ ArtifactType string } }
	fmt.Println(json.NewDecoder(resp.Body).Decode(&list), list.Manifests)
	fmt.Println(repo.Tags(ctx, "", func(tags []string) error { fmt.Println("tags:", len(tags)); return nil }))
}
EOF
export GOWORK=off GOFLAGS=
go mod init finding
go get github.com/google/go-containerregistry/pkg/registry@v0.22.1 oras.land/oras-go/v2@v2.7.0 oras.land/oras-go/v2/registry/remote@v2.7.0
go run . | tee seen
diff - seen <<'EOF'
<nil> [{application/vnd.oci.empty.v1+json}]
tags: 1
<nil>
EOF
