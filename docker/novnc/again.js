// After a wrong password noVNC waits for a click on Connect. Ask for the password again straight away instead.
import UI from "./app/ui.js";

const { credentials, connectFinished, securityFailed, disconnectFinished } = UI;
let asked = false; // only then: a server that refuses us unasked is not to be tried over and over
let refusal = "";

UI.credentials = (event) => {
  asked = true;
  credentials(event);
};
UI.securityFailed = (event) => {
  securityFailed(event);
  if (asked) refusal = document.getElementById("noVNC_status").textContent;
};
UI.disconnectFinished = (event) => {
  disconnectFinished(event);
  const said = refusal;
  asked = false;
  refusal = "";
  if (!said) return;
  UI.connect();
  UI.showStatus(said, "error");
};
UI.connectFinished = (event) => {
  UI.hideStatus(); // an error would stay until somebody clicks on it
  connectFinished(event);
};
