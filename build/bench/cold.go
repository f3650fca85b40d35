package bench

import "context"

// Start is what a contender takes to its first boxes in a fresh browser.
type Start struct{ Title string }

func coldStarts(context.Context, *Lab, Options) ([]Start, error) { return nil, nil }
