"use strict";
document.querySelector(".clock").textContent = ["·", "··", "···"].map((flash) => `${flash}`).join(" – ");
