package words

// zhShell is the Chinese of the shell: stage, sources, settings, performance, problems.
var zhShell = map[string]string{}
