package jpeg

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"path/filepath"
	"testing"

	"eagleeye/build/shared"
)

func TestUpsampleRow(t *testing.T) {
	plane := []byte{0, 100, 200, 40, 60, 80}
	for _, c := range []struct {
		name      string
		w, h      int // picture
		hs, vs    int
		stride, y int
		want      []byte
	}{
		{"none", 3, 2, 1, 1, 3, 1, []byte{40, 60, 80}},
		{"2x1", 6, 1, 2, 1, 3, 0, []byte{0, 25, 75, 125, 175, 200}},
		{"2x1 odd width", 5, 1, 2, 1, 3, 0, []byte{0, 25, 75, 125, 175, 200}},
		{"2x1 of two columns repeats", 4, 1, 2, 1, 3, 0, []byte{0, 0, 100, 100}},
		{"2x2 top", 6, 4, 2, 2, 3, 0, []byte{0, 25, 75, 125, 175, 200}},
		{"2x2 inside", 6, 4, 2, 2, 3, 1, []byte{10, 30, 70, 110, 150, 170}},
		{"2x2 bottom", 6, 4, 2, 2, 3, 3, []byte{40, 45, 55, 65, 75, 80}},
		{"1x2 inside", 3, 4, 1, 2, 3, 1, []byte{10, 90, 170}},
		{"4x1", 12, 1, 4, 1, 3, 0, []byte{0, 0, 0, 0, 100, 100, 100, 100, 200, 200, 200, 200}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUpsampler(c.w, c.h, c.hs, c.vs)
			got := make([]byte, u.width())
			u.row(got, plane, c.stride, c.y)
			if !bytes.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestConvertRow(t *testing.T) {
	got := make([]byte, 16)
	convertRow(got, []byte{0, 255, 128, 76}, []byte{128, 128, 128, 85}, []byte{128, 128, 128, 255})
	want := []byte{0, 0, 0, 255, 255, 255, 255, 255, 128, 128, 128, 255, 254, 0, 0, 255}
	if !bytes.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// The files in testdata are made for this test; the sums are of the RGB bytes
// that libjpeg-turbo 3 (by Pillow) decodes.
func TestDecodeAsLibjpeg(t *testing.T) {
	for _, c := range []struct {
		name string
		w, h int
		sum  string
	}{
		{"baseline-411", 39, 31, "1038f4bbdd1070e452897b3cd67100357ce7ce2f4fd34f6cf9d0981da85d4af0"},
		{"baseline-420", 37, 29, "30fbf1afcec018f570d0e0ab8e5d06bd1a94cb02b7bd62584a7e825c63805738"},
		{"baseline-422", 37, 29, "15d4665bd245533c39a4e5c82e4e47c2d92aa925658e7f75c5c185e97b009a10"},
		{"baseline-440", 39, 31, "c3abd5cd121ae6b8021e1381f744a38b68388537d94979891efe947bd8861383"},
		{"baseline-444", 33, 18, "76106d1fa11b96afbbdba452eb9c846b3c987be81d811ee5a643999fa7a96068"},
		{"coarse", 40, 40, "1c45cec1f98edc1f37f86e40a2f92bda3410fd805ec6dbce72ec51885ba9e99c"},
		{"grey-progressive", 30, 22, "c40833c80c2fc8e59ecbe55aef184d2da1760f628c63ecbbbbacffc3e1fd9cb2"},
		{"grey", 30, 22, "36bc135c1ac480a7f4d2b7c177d04fb746a366086b699b854a639878d40ffede"},
		{"narrow-420", 3, 20, "c145dcb2d4b51c1c50fc81718e9768de7764ce300b7aefb8a97c8312b15cd77b"},
		{"one-pixel", 1, 1, "b0107a208581264424c3430fe148b973bdb16599f3c67a7725fda34807110ead"},
		{"optimized-420", 64, 17, "60aada26f1c588b5b221ae3637f365ade2239e98dc79a1e4a7f650dee47b7dbb"},
		{"progressive-420", 41, 35, "4c163c413403d4b87d908f301c25cc71f7f07f588d7358cd7868c3934a25e7e7"},
		{"progressive-444", 17, 40, "0138e49410663d7b12ac03f7baa31cfe5aaad2fcea8f1f9cfa0ede6cba83e82c"},
		{"progressive-restart", 50, 33, "86e9068f8480ae0be9363a54d1d764d6393774cb89cbd842f2b8d772ee27757d"},
		{"restart-420", 50, 33, "f77e7566e6076723ef0388bb7b917caed8608db0a978a6b3d39e23b4bf9ff010"},
		{"rgb", 21, 19, "a3a9455432a4f72204217183c6b611181c63b11082354aa9dd56fe89ecbb01d9"},
		{"wide-420", 20, 2, "9182c7f07e75a57c04e73092fbc6ca93b6541e10137cec35e431e7e08fde08b5"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", c.name+".jpg"))
			if err != nil {
				t.Fatal(err)
			}
			img, err := DecodeRGBA(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if img.Rect != image.Rect(0, 0, c.w, c.h) {
				t.Fatalf("bounds %v, want %d×%d", img.Rect, c.w, c.h)
			}
			var rgb []byte
			for i := 0; i < len(img.Pix); i += 4 {
				rgb = append(rgb, img.Pix[i:i+3]...)
			}
			if sum := fmt.Sprintf("%x", sha256.Sum256(rgb)); sum != c.sum {
				t.Errorf("pixels have SHA-256 %s, want %s", sum, c.sum)
			}
		})
	}
}

func TestDecodeCMYK(t *testing.T) {
	data, err := os.ReadFile("testdata/cmyk.jpg")
	if err != nil {
		t.Fatal(err)
	}
	if img, err := DecodeRGBA(bytes.NewReader(data)); err != nil || img.Rect.Dx() != 20 {
		t.Errorf("%v", err)
	}
}

func TestDecodeErrors(t *testing.T) {
	good, err := os.ReadFile("testdata/progressive-restart.jpg")
	if err != nil {
		t.Fatal(err)
	}
	sof := bytes.Index(good, []byte{0xff, markSOF2})
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	size := func(w, h uint16) []byte {
		return edit(func(b []byte) []byte {
			binary.BigEndian.PutUint16(b[sof+5:], h)
			binary.BigEndian.PutUint16(b[sof+7:], w)
			return b
		})
	}
	for _, c := range []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, ErrMalformed},
		{"not a JPEG", []byte("\x89PNG\r\n"), ErrMalformed},
		{"only its start", good[:2], ErrMalformed},
		{"cut in the header", good[:sof+6], ErrMalformed},
		{"cut in the data", good[:len(good)/2], ErrMalformed},
		{"too many pixels", size(65000, 65000), ErrTooLarge},
		{"more pixels than the file can hold", size(9000, 9000), ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := DecodeRGBA(bytes.NewReader(c.data)); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.jpg")
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		img, err := DecodeRGBA(bytes.NewReader(data))
		if err == nil && img.Rect.Empty() {
			t.Error("an empty picture")
		}
	})
}

func BenchmarkDecode(b *testing.B) {
	data, err := os.ReadFile(shared.File(b, "coco", "val", "images", "000000183709.jpg"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := DecodeRGBA(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}
