create database marts;
