// Package drawings holds ten symbols drawn by hand as SVG files, in styles that
// the training scenes do not have: brush, crayon, ballpoint, broad nib, paint,
// chisel, pastel, cross-stitch, type. Its tests photograph them on a desk, by
// code that shares nothing with build/scenes, and want the shipped model to find
// them. It imports nothing of ours.
package drawings
