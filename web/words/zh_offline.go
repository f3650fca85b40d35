package words

// zhOffline is the Chinese of offline use and installing.
var zhOffline = map[string]string{}
