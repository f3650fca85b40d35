# Everything needs Go alone. `make` lists the verbs.

MODEL ?=
CALIB ?=
MODELS ?=
DATA  ?= ../shared/coco/val
FUZZTIME ?= 20s
OUT ?= bench-results
export MODEL CALIB MODELS

# eval uses the data beside the project where nothing else is named.
EVAL_MODEL = $(or $(MODEL),$(wildcard ../shared/models/yolov8n.onnx))
EVAL_CALIB = $(or $(CALIB),$(wildcard ../shared/coco/calib))

# What runs in the tab; e2e drives a browser from outside.
TAB = $(shell GOOS=js GOARCH=wasm go list -e -f '{{.ImportPath}}' ./web/... ./wasm/... | grep -v /e2e)

.DEFAULT_GOAL := help
.PHONY: help run test check build zip bench kernels eval fuzz model train-demo clean

help: ## List the verbs
	@echo 'make VERB:'
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST))
	@echo 'MODEL=file.onnx names the model, CALIB=folder the photos to calibrate it on.'

run: ## Build the page and serve it on 127.0.0.1
	@go run ./build run

build: ## Build the page into dist/
	@go run ./build site

zip: ## Build the page and pack it, with a small server for each system, into eagle-eye.zip
	@go run ./build zip

model: ## Download the official YOLOv8n
	@go run ./build model

test: ## Run all tests, a real browser included
	go vet ./...
	GOOS=js GOARCH=wasm go vet $(TAB)
	@go run ./build test

check: ## Formatting, vet, static checks, then all tests
	@out=$$(gofmt -l $$(git ls-files '*.go' 2>/dev/null || echo .)); [ -z "$$out" ] || { echo "run gofmt -w on:"; echo "$$out"; exit 1; }
	go tool staticcheck ./...
	@tool=$$(go tool -n staticcheck); GOOS=js GOARCH=wasm $$tool $(TAB)
	@$(MAKE) --no-print-directory test

eval: ## Accuracy on DATA of MODEL's int8 form, and how far it is from the float one
	@$(if $(EVAL_MODEL),MODEL=$(EVAL_MODEL)) $(if $(EVAL_CALIB),CALIB=$(EVAL_CALIB)) go run ./build eval --int8 --data $(DATA) $(EVALFLAGS)

bench: ## Time the page's engine against other runtimes in a browser; the results go to OUT
	@go run ./build bench --out $(OUT) $(BENCHFLAGS)

kernels: ## Speed of the kernels and of the engine, natively
	go test -run '^$$' -bench . -benchtime 0.5s ./kernels/... ./wasm/...

train-demo: ## Train the model that the project ships, into runs/demo
	@go run ./build train-demo

fuzz: ## Fuzz every fuzz test for FUZZTIME
	@go run ./build fuzz --time $(FUZZTIME)

clean: ## Remove what the build made here
	rm -rf dist shots
