var __decorate =
  (this && this.__decorate) ||
  function (decorators, target, key, desc) {
    var c = arguments.length,
      r = c < 3 ? target : desc === null ? (desc = Object.getOwnPropertyDescriptor(target, key)) : desc,
      d;
    if (typeof Reflect === "object" && typeof Reflect.decorate === "function")
      r = Reflect.decorate(decorators, target, key, desc);
    else
      for (var i = decorators.length - 1; i >= 0; i--)
        if ((d = decorators[i])) r = (c < 3 ? d(r) : c > 3 ? d(target, key, r) : d(target, key)) || r;
    return (c > 3 && r && Object.defineProperty(target, key, r), r);
  };
var __metadata =
  (this && this.__metadata) ||
  function (k, v) {
    if (typeof Reflect === "object" && typeof Reflect.metadata === "function") return Reflect.metadata(k, v);
  };
var __param =
  (this && this.__param) ||
  function (paramIndex, decorator) {
    return function (target, key) {
      decorator(target, key, paramIndex);
    };
  };
import {
  Body,
  Controller,
  Get,
  HttpException,
  Injectable,
  Module,
  Post,
  Redirect,
  UseGuards,
} from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { session } from "hipflask";
import { sessions } from "hipflask/express";
let LoggedIn = class LoggedIn {
  canActivate() {
    return "username" in session;
  }
};
LoggedIn = __decorate([Injectable()], LoggedIn);
let ShopController = class ShopController {
  index() {
    return `hello, ${session.username ?? "stranger"}\n`;
  }
  login(username) {
    session.regenerate();
    session.username = username;
  }
  pay() {
    session.attempts = (session.attempts ?? 0) + 1;
    throw new HttpException(`attempt ${session.attempts}: no money`, 402);
  }
};
__decorate(
  [
    Get(),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", []),
    __metadata("design:returntype", void 0),
  ],
  ShopController.prototype,
  "index",
  null,
);
__decorate(
  [
    Post("login"),
    Redirect("/", 303),
    __param(0, Body("username")),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", [String]),
    __metadata("design:returntype", void 0),
  ],
  ShopController.prototype,
  "login",
  null,
);
__decorate(
  [
    Post("pay"),
    UseGuards(LoggedIn),
    __metadata("design:type", Function),
    __metadata("design:paramtypes", []),
    __metadata("design:returntype", void 0),
  ],
  ShopController.prototype,
  "pay",
  null,
);
ShopController = __decorate([Controller()], ShopController);
let AppModule = class AppModule {};
AppModule = __decorate([Module({ controllers: [ShopController] })], AppModule);
export async function createApp(options) {
  const app = await NestFactory.create(AppModule);
  app.use(sessions(options));
  return app;
}
