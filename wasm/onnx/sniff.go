package onnx

import (
	"bytes"
	"fmt"
)

const export = "export it first: yolo export model=MODEL.pt format=onnx"

// sniff names files that are commonly given in place of an ONNX file. None of
// these beginnings is a valid first field of a ModelProto.
func sniff(data []byte) error {
	if len(data) == 0 {
		return fmt.Errorf("%w (0 bytes): the download or copy did not finish; fetch it again", ErrEmpty)
	}
	not := func(what, remedy string) error { return fmt.Errorf("%w: this is %s: %s", ErrNotONNX, what, remedy) }
	has := func(prefix string) bool { return bytes.HasPrefix(data, []byte(prefix)) }
	text := bytes.TrimLeft(bytes.TrimPrefix(data[:min(len(data), 256)], []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case has("PK\x03\x04"), has("PK\x05\x06"):
		edge := min(len(data), 64<<10)
		for _, part := range [][]byte{data[:edge], data[len(data)-edge:]} {
			if bytes.Contains(part, []byte("data.pkl")) || bytes.Contains(part, []byte("constants.pkl")) {
				return not("a PyTorch checkpoint (.pt)", export)
			}
		}
		return not("a zip archive", "unpack it and give the .onnx file inside")
	case has("\x80\x02"), has("\x80\x03"), has("\x80\x04"):
		return not("a Python pickle, perhaps an old PyTorch checkpoint (.pt)", export)
	case has("\x1f\x8b"):
		return not("gzip data", "unpack it with gunzip and give the .onnx file")
	case has("7z\xbc\xaf"), has("\xfd7zXZ"), has("BZh"), has("\x28\xb5\x2f\xfd"):
		return not("a compressed archive", "unpack it and give the .onnx file inside")
	case bytes.HasPrefix(text, []byte("<?xml")):
		return not("XML, perhaps an OpenVINO model", "give the .onnx file it was made from")
	case bytes.HasPrefix(text, []byte("<")):
		return not("a web page (HTML)", "the download got an error or login page; fetch the file itself")
	case has("version https://git-lfs"):
		return not("a Git LFS pointer", "fetch the real file with git lfs pull")
	case bytes.HasPrefix(text, []byte("{")), bytes.HasPrefix(text, []byte("[")):
		return not("JSON text", "give the .onnx file")
	case has("7767517"):
		return not("an ncnn parameter file", "give the .onnx file it was made from")
	case len(data) >= 8 && string(data[4:8]) == "TFL3":
		return not("a TensorFlow Lite model", "export the model to ONNX instead")
	case len(data) > 9 && data[8] == '{' && bytes.Equal(data[4:8], []byte{0, 0, 0, 0}):
		return not("a safetensors file", "it holds weights only; export the model to ONNX")
	case has("\x89PNG"), has("\xff\xd8\xff"), has("GIF8"), has("RIFF"):
		return not("a picture or media file", "choose the model file here and the picture in the source field")
	case has("\x89HDF"):
		return not("an HDF5 (Keras) file", "export the model to ONNX")
	}
	return nil
}
