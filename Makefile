# The commands of this repository. `make help` lists them.

GO      ?= go
PLUGINS := $(notdir $(patsubst %/plugin.yaml,%,$(wildcard plugins/*/plugin.yaml)))
WASM    := $(PLUGINS:%=plugins/dist/%.wasm)
GOFILES  = $(shell find . -name '*.go' -not -path './tools/*' -not -path './bench/*' -not -path './deploy/*')
# Tests that the race detector makes ten times as slow and has nothing to find in.
PLAIN    = TestFuel|TestBlankValues|TestHintsCanBePasted|TestCheckTells|TestSchemaAgreesWithCheck
# YAML that ships.
YAML    := flows nodes plugins examples wend.yaml
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint

.DEFAULT_GOAL := help
.PHONY: help build plugins image demo test editors lint vuln fmt golden fuzz bench crash proof cross findings generate layout check clean

# One static file, without symbols and without the paths of who built it. Go
# stamps the version from git; VERSION= is for files without their history.
VERSION ?=
BUILD    = CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w$(if $(VERSION), -X main.release=$(VERSION))'
# docker, podman and buildah all know build -t -f.
IMAGER  ?= docker

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: bin/wend ## build the binary into bin/wend

bin/wend: $(GOFILES) go.mod go.sum
	$(BUILD) -o $@ ./cmd/wend

plugins: $(WASM) ## build the plugins into plugins/dist

plugins/dist/%.wasm: bin/wend plugins/%/plugin.yaml $(GOFILES)
	bin/wend plugin build plugins/$* --out $@

image: build plugins ## build a container image, on Linux; IMAGER=buildah or podman, if it is not docker
	rm -rf bin/image
	mkdir -p bin/image/usr/local/bin bin/image/usr/local/lib/wend/plugins bin/image/var/lib/wend bin/image/var/cache bin/image/tmp
	mkdir -p bin/image/usr/local/share/doc/wend
	cp LICENSE NOTICE bin/image/usr/local/share/doc/wend/
	cp bin/wend bin/image/usr/local/bin/
	cp $(WASM) bin/image/usr/local/lib/wend/plugins/
	chmod -R a+rX bin/image
	chmod 700 bin/image/var/lib/wend
	$(IMAGER) build -t wend:$(or $(VERSION),latest) -f deploy/Containerfile bin/image

demo: build plugins ## run every vendor's flows once against the emulators
	bin/wend demo

test: plugins ## run all tests, with the race detector, and those of the shipped flows
	bin/wend test flows --min-coverage 95
	bin/wend test examples --min-coverage 95
	$(GO) vet ./...
	$(GO) test -race -timeout 20m ./...
	$(GO) test ./runtime/pluginhost/meter ./runtime/flow ./runtime/engine
	$(GO) test ./cmd/wend -run '$(PLAIN)'

editors: build plugins ## try the schema and the editors' support in what editors run; needs node and npm, nvim if it is there
	cd editors/schema && npm ci --silent --no-audit --no-fund && npm test --silent
	cd editors/vscode && npm ci --silent --no-audit --no-fund && npm test --silent && npm run package --silent
	if command -v nvim >/dev/null; then PATH="$$PWD/bin:$$PATH" nvim --headless --clean -S editors/neovim.lua; fi

lint: ## run the linters
	$(LINT) run

vuln: ## look for known vulnerabilities in what is called; needs the network
	$(GO) tool -modfile=tools/go.mod govulncheck ./...

fmt: build ## format the code and the YAML that ships
	$(LINT) fmt
	bin/wend fmt $(YAML)

golden: plugins ## rewrite the golden files from what the program does now
	UPDATE=1 $(GO) test ./...

fuzz: ## fuzz every target for 60 seconds
	./.ci/fuzz 60s

bench: plugins ## run the benchmarks, those beside other engines too
	$(GO) test -run '^$$' -bench . -benchmem ./...
	cd bench && $(GO) test ./plugin -run '^$$' -bench . -benchtime 300x

crash: ## kill a server 100 times, let its writes fail, fill its disk, and audit what is left
	$(GO) run ./crash -kills 100
	$(GO) run ./crash -disk

proof: ## hold traces, metrics, log and alerts against a collector and Prometheus, which must be installed
	cd deploy/proof && $(GO) test -count=1 ./...

cross: ## build for every platform that is promised
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "$$os/$$arch"; GOOS=$$os GOARCH=$$arch CGO_ENABLED=0 $(GO) build -o /dev/null ./cmd/wend || exit 1; \
	done; done

findings: ## ask whether the surprises of others' software are still there; needs the network, node and npm
	findings/all

generate: build plugins ## rewrite the generated files: docs, NOTICE and the schema of flows
	bin/wend schema > wend.schema.json
	bin/wend schema --tests > wend.tests.schema.json
	bin/wend schema --plugin > wend.plugin.schema.json
	bin/wend schema --configuration > wend.config.schema.json
	$(GO) run ./docs/gen
	bin/wend graph flows/luware-lucs/task-life.yaml --out docs/task-life.svg

layout: build ## fail if YAML that ships is laid out otherwise than wend fmt does
	bin/wend fmt --check $(YAML)

check: lint test generate layout ## lint, test, and fail if a generated file was stale or YAML is not laid out
	git diff --exit-code

clean: ## remove what was built
	rm -rf bin plugins/dist
