package words

// zhResults is the Chinese of the results.
var zhResults = map[string]string{}
