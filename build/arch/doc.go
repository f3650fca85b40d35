// Package arch holds the test that keeps the rooms of docs/ARCHITECTURE.md
// apart: it fails when an import points the wrong way. It imports nothing of
// ours.
package arch
