package words

// zhOffline is the Chinese of offline use and installing.
var zhOffline = map[string]string{
	"The new version is being opened.":                                           "正在打开新版本。",
	"A new version of this page is ready.":                                       "此页面的新版本已就绪。",
	"A new version is in use in another tab. Reload this one when it suits you.": "另一个标签页已在使用新版本，可在方便时重新加载此页。",
	"No network: everything goes on, from this device.":                          "没有网络：一切照常，由本设备提供。",
	"No network. This page is not kept on this device yet: leave it open.":       "没有网络，此页面尚未保存到本设备：请勿关闭。",
	"Being kept for use without a network":                                       "正在保存，以便离线使用",
	"Works without a network":                                                    "可离线使用",
	"Needs the network: {why}":                                                   "需要网络：{why}",
	"this browser has no service workers here":                                   "此浏览器在此处没有 Service Worker",
	"This page on this device":                                                   "本设备上的此页面",
	"Use it now":                                                                 "立即使用",
	"Later":                                                                      "稍后",
	"Install":                                                                    "安装",
}
