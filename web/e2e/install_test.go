//go:build !js

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"eagleeye/build/demo"
	"eagleeye/build/site"
)

// The browser finds nothing that keeps the page from being installed, from a
// sub-path too: name, start, display, and icons of the sizes that they state.
func TestInstallable(t *testing.T) {
	h := newWebsite(t, http.StripPrefix("/demo", site.Handler(demoSite(t, demo.Name))))
	base := h.URL + "/demo/"
	p := newTab(t, chromium(t), base)
	p.kept()
	var text, at string
	p.run(chromedp.ActionFunc(func(ctx context.Context) error {
		address, errs, data, _, err := page.GetAppManifest().Do(ctx)
		for _, e := range errs {
			t.Errorf("manifest: %s (line %d)", e.Message, e.Line)
		}
		if err != nil {
			return err
		}
		at, text = address, data
		reasons, err := page.GetInstallabilityErrors().Do(ctx)
		for _, r := range reasons {
			if r.ErrorID != "in-incognito" { // which is how this browser runs
				t.Errorf("not installable: %s %v", r.ErrorID, r.ErrorArguments)
			}
		}
		return err
	}))
	var m struct {
		Name      string
		ShortName string `json:"short_name"`
		StartURL  string `json:"start_url"`
		Scope     string
		Display   string
		Icons     []struct{ Src, Sizes, Type, Purpose string }
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("manifest %s: %v", text, err)
	}
	if m.Name == "" || m.ShortName == "" || m.StartURL != "./" || m.Scope != "./" || m.Display != "standalone" || at != base+"manifest.webmanifest" {
		t.Errorf("manifest at %s: %+v", at, m)
	}
	sizes := map[string]bool{}
	for _, icon := range m.Icons {
		res, err := http.Get(base + icon.Src)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != icon.Type {
			t.Errorf("%s: %d %s, %v", icon.Src, res.StatusCode, res.Header.Get("Content-Type"), err)
		}
		if icon.Type == "image/png" {
			c, err := png.DecodeConfig(bytes.NewReader(data))
			if got := fmt.Sprintf("%dx%d", c.Width, c.Height); err != nil || got != icon.Sizes {
				t.Errorf("%s is %s, %v, want %s", icon.Src, got, err, icon.Sizes)
			}
		}
		sizes[strings.TrimSpace(icon.Sizes+" "+icon.Purpose)] = true
	}
	if !sizes["192x192"] || !sizes["512x512"] || !sizes["512x512 maskable"] {
		t.Errorf("icons %v", sizes)
	}
	p.clean()
}
