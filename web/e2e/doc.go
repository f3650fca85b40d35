//go:build !js

// Package e2e holds the tests that drive the built site in a real Chromium, as
// a person would use it. `go test -short` skips them; SHOTS=DIR keeps their
// screenshots.
package e2e
