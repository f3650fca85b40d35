package site

import (
	"encoding/json"
	"fmt"
	"strings"

	"eagleeye/build/serve"
)

// kept says whether the service worker keeps a file on every visitor's device:
// all that the page needs, not what few ask for.
func kept(name string) bool {
	return !strings.HasPrefix(name, "bench.") && !strings.HasPrefix(name, "eagleeye.") && !strings.Contains(name, "/") && name != "convert.wasm"
}

// service makes sw.js: the version is the names and the bytes of all its files.
func service(plain, named tree) error {
	script, ok := plain["sw.js"]
	if !ok {
		return nil
	}
	type entry [2]any // bytes, SHA-256
	files := map[string]entry{}
	for name, data := range named {
		if kept(Plain(name)) {
			files[name] = entry{len(data), digest(data)}
		}
	}
	list, err := json.Marshal(files)
	if err != nil {
		return err
	}
	text, err := json.Marshal(map[string]any{"version": digest(list)[:serve.HashDigits], "files": files})
	if err != nil {
		return err
	}
	if named["sw.js"], err = replaceMark(script, []byte("site = {}"), append([]byte("site = "), text...)); err != nil {
		return fmt.Errorf("sw.js: %w", err)
	}
	return nil
}
