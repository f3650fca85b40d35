package words

// zhModels is the Chinese of the models.
var zhModels = map[string]string{}
