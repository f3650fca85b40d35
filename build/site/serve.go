package site

import "eagleeye/build/serve"

// How a site is served on this machine.
var (
	Handler = serve.Handler
	Listen  = serve.Listen
	Serve   = serve.Serve
	URL     = serve.URL
	Plain   = serve.Plain
)

// Policy is the page's content security policy.
const Policy = serve.Policy
