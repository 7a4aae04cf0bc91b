___TERMS_OF_SERVICE___

By creating or modifying this file you agree to Google Tag Manager's Community
Template Gallery Developer Terms of Service available at
https://developers.google.com/tag-manager/gallery-tos (or such other URL as
Google may provide), as modified from time to time.


___INFO___

{
  "type": "TAG",
  "id": "ece_widget",
  "version": 1,
  "securityGroups": [],
  "displayName": "ECE Widget",
  "categories": ["CHAT"],
  "brand": {
    "id": "ece_widget",
    "displayName": "ECE Widget"
  },
  "description": "The chat button of your own ECE Widget server. No cookie, no storage.",
  "containerContexts": ["WEB"]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "address",
    "displayName": "Address of your ECE Widget server",
    "help": "As https://chat.example.com, with nothing behind the name.",
    "simpleValueType": true,
    "valueValidators": [
      { "type": "NON_EMPTY" },
      { "type": "REGEX", "args": ["^https://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?$"], "errorMessage": "An address like https://chat.example.com" }
    ]
  },
  {
    "type": "TEXT",
    "name": "entryPoint",
    "displayName": "Entry point",
    "help": "A name from the settings of the server.",
    "simpleValueType": true,
    "valueValidators": [
      { "type": "NON_EMPTY" },
      { "type": "REGEX", "args": ["^[a-z0-9][a-z0-9_-]{0,63}$"], "errorMessage": "Small letters, digits, - and _ only" }
    ]
  },
  {
    "type": "TEXT",
    "name": "locale",
    "displayName": "Language",
    "help": "Empty: the page's.",
    "simpleValueType": true
  },
  {
    "type": "TEXT",
    "name": "theme",
    "displayName": "Theme",
    "help": "Empty: the entry point's.",
    "simpleValueType": true
  },
  {
    "type": "SELECT",
    "name": "open",
    "displayName": "Opens in",
    "macrosInSelect": false,
    "selectItems": [
      { "value": "", "displayValue": "what the server says" },
      { "value": "popup", "displayValue": "a window" },
      { "value": "tab", "displayValue": "a tab" },
      { "value": "dock", "displayValue": "the corner of the page" }
    ],
    "simpleValueType": true
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

const encodeUriComponent = require('encodeUriComponent');
const injectScript = require('injectScript');

const address = data.address.slice(-1) === '/' ? data.address.slice(0, -1) : data.address;
let fragment = 'entry-point=' + encodeUriComponent(data.entryPoint);
if (data.locale) fragment += '&locale=' + encodeUriComponent(data.locale);
if (data.theme) fragment += '&theme=' + encodeUriComponent(data.theme);
if (data.open) fragment += '&open=' + encodeUriComponent(data.open);

injectScript(address + '/widget.js#' + fragment, data.gtmOnSuccess, data.gtmOnFailure);


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "inject_script",
        "versionId": "1"
      },
      "param": [
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              { "type": 1, "string": "https://*/widget.js*" }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios:
- name: The script is loaded with its entry point behind the address
  code: |-
    mock('injectScript', (url, onSuccess) => {
      assertThat(url).isEqualTo('https://chat.example.com/widget.js#entry-point=sales');
      onSuccess();
    });
    runCode({address: 'https://chat.example.com/', entryPoint: 'sales'});
    assertApi('gtmOnSuccess').wasCalled();
- name: Options follow, each of them encoded
  code: |-
    mock('injectScript', (url, onSuccess) => {
      assertThat(url).isEqualTo('https://chat.example.com/widget.js#entry-point=sales&locale=de&theme=a%26b&open=dock');
      onSuccess();
    });
    runCode({address: 'https://chat.example.com', entryPoint: 'sales', locale: 'de', theme: 'a&b', open: 'dock'});
    assertApi('gtmOnSuccess').wasCalled();
- name: A script that cannot be loaded is told
  code: |-
    mock('injectScript', (url, onSuccess, onFailure) => onFailure());
    runCode({address: 'https://chat.example.com', entryPoint: 'sales'});
    assertApi('gtmOnFailure').wasCalled();
    assertApi('gtmOnSuccess').wasNotCalled();


___NOTES___

Loads one script from the server that is named, and nothing else.
